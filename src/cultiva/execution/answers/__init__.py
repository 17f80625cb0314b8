"""What did customers do and say, as other systems report it?"""
