"""What can only a person decide?"""
