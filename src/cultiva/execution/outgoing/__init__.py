"""What is about to go out: which day's customers have entered, and what touches and tasks are about."""
