"""Where is everybody in their play, and what comes next?"""
