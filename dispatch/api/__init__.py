"""The first-party API under /api/v1/."""
