"""Models of effect: for whom is a touch worth what, as far as the data say more than review has learnt?"""
