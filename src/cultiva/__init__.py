"""Cultiva (深耕): an open customer-operations platform for banks."""

__version__ = "0.1.0"
