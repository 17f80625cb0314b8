"""Is everything in place for a bank to run on this set-up, and if not, what is to be done?"""
