"""What does a customer hold and do, row by row? The row views that aggregates and event functions run over."""
