"""Why one conversion is or is not in TikTok: a timeline, one verdict, the next step."""
