"""Who should get what, within which limits?"""
