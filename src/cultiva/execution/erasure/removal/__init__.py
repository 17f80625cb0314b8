"""What of the store's tables belongs to a person, table by table?"""
