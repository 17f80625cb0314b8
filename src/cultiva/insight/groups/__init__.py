"""Which customers belong together, what sets a group apart, and who came and went?"""
