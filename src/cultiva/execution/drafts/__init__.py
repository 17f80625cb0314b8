"""Drafts: what changes of definitions do people propose, and what have others said of them?"""
