"""Which party records are one customer, under which id, and what is known of that customer?"""
