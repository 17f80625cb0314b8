"""What is left of a customer who asked to be forgotten?"""
