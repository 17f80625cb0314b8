"""The live side of the loop: what comes in is written down, folded, acted upon; the night hands over to the day."""
