"""Who is it that wants to come in, and how do we know?"""
