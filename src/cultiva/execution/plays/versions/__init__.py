"""Which version of a play is somebody in?"""
