"""What do waves, grants and hand-overs leave behind?"""
