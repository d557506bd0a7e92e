"""Whether spend on an offer may be raised."""
