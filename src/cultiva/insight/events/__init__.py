"""What did a customer just do, and may we believe it?"""
