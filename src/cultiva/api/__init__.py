"""How do other systems ask and tell? HTTP over the use cases of the loop."""
