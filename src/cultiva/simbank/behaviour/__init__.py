"""How would these customers live and respond? Pure functions of world, nature, state, touches and draws."""
