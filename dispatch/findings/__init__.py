"""What is wrong now, in one closed list: the first page, scale decisions and alerts all speak of the same findings."""
