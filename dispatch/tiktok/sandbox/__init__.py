"""A strict local stand-in for TikTok: the Events API, the Pixel's script, and pages that show what arrived.

It is written from the contract alone and shares no code with our sender, so that one misreading of ours
cannot hide in both. `[DOC]`, `[HELP]` and `[SDK]` in this package mean TikTok's API reference, help centre
and SDK.
"""

from dispatch.tiktok.sandbox.sandbox import Sandbox

__all__ = ["Sandbox"]
