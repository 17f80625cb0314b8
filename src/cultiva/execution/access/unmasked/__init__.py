"""Who was shown personal data of whom, and why?"""
