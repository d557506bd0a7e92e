"""Clicks, conversions and money by where they came from."""
