"""What did the providers tell of our messages later?"""
