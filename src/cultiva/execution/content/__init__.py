"""What exactly does this customer read?"""
