"""May it go out: who put it forward, who let it go, and is it still allowed?"""
