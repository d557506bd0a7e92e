"""Pages of the app that sends that the pages of this one lead to, by their names."""

from offers.admin_parts import page_url

VIEW_HEALTH = "dispatch.view_health"


def health_url(scope: str, key: int) -> str:
    """The health of one offer or network; empty where nothing sends."""
    return page_url("conversions_conversion_health_of", scope, key)
