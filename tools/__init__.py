"""Tools for working on Cultiva itself; not part of the product."""
