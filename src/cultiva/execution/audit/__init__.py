"""Who did what, when, and has anybody changed the record since?"""
