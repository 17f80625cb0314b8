"""What should this one customer get, this very second, by the same rules, models and prices as at night?"""
