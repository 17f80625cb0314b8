"""What would a real bank's customers have done?"""
