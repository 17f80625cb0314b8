"""What does the store know of this customer at this very instant, and what has been used of today's budgets?"""
