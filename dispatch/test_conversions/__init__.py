"""A known click played through to TikTok's test events: every stage shown, both legs compared."""
