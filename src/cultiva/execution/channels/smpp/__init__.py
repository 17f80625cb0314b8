"""SMPP 3.4: how are short messages handed to a centre?"""
