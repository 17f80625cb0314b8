"""The strategy map, strategies one by one with their versions, and the editor of their definitions."""
