"""What did the bank deliver, and which rows of it can be trusted?"""
