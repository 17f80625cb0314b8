"""What every floor may use and that knows no bank: errors, clock, hashing, money, display."""
