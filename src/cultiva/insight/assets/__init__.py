"""Does the customer's money lie where it should, and what would bring it there?"""
