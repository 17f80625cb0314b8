"""What is left of a customer who asked to be forgotten, and may we forget them at all?"""
