"""What did every customer bring in and do since the last run?"""
