"""Who may call the API, how often, and was this very request answered already?"""
