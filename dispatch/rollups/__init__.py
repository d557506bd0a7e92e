"""The sums of half-hours and days: kept up to date behind the rows, and made anew from them at any time."""
