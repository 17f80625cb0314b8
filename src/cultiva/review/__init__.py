"""Review: did it work, and how sure are we?"""
