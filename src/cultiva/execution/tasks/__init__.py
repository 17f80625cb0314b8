"""Who does what for which customer, by when, and what came of it?"""
