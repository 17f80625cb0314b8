"""Which events are not in the log: whose are they, or what was wrong with them?"""
