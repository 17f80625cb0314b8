"""Did this message leave once, and what became of it?"""
