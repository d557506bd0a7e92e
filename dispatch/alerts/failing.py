class NotSentError(Exception):
    """A message that was not delivered; says why, without the address it was for."""
