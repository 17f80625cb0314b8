"""Did it go out: approved, once, on time?"""
