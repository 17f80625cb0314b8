"""What has just happened, and what is to be done about it at once?"""
