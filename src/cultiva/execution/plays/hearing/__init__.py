"""What have people in a play answered since?"""
