"""What will a customer contribute in the years to come?"""
