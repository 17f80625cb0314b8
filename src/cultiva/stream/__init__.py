"""Where do events come in, and where is what is known of a customer this very second?"""
