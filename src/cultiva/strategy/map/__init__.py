"""Who is looked after by which strategy, who by none, where do strategies get in each other's way, what came of it?"""
