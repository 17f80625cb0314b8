"""At what price is a thing to be offered to whom?"""
