"""Simulation: what would the loop have been worth, measured against a truth that only the simulated bank knows?"""
