"""Who can be reached, where, and who may not be: asked again at the moment of sending."""
