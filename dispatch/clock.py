"""The site's one clock; it ticks in `conversions.clock`, where the first rows are written by it."""

from conversions.clock import now

__all__ = ["now"]
