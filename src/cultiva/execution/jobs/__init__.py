"""What has somebody asked for that takes minutes, how far is it, and what came of it?"""
