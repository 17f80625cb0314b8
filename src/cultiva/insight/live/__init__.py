"""What is known of a customer right now?

Last night's profile of today, and what has come in since: one meaning with the night, at any moment.
"""
