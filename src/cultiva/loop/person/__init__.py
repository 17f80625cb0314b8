"""One customer as people look at it: worth, past, holdings, people around, room for contacts."""
