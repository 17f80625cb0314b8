"""How much of a customer's attention is left, and who gets it?"""
