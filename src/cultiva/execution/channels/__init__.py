"""Who carries a message, and what did they say of it?"""
