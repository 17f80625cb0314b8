"""What is known of every customer today: tags, value, stage, and how far each of them can be trusted?"""
