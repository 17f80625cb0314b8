"""What would have happened otherwise? Known to the simulator; only simbank and the scoring of the loop read it."""
