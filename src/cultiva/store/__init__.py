"""What must be right row by row: registry, runs and steps, snapshot pointers, identity."""
