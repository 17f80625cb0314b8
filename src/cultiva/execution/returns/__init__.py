"""What came back: touches carried out and what customers did, on their way to the lake."""
