"""Who is the customer, and what is changing?"""
