"""From approved launches to people: what workers do, round after round."""
