"""Lists of the admin whose address somebody has tampered with."""

import pytest
from django.urls import reverse

from tests.staff import staff_client

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("name", "permission", "query"),
    [
        ("conversions_upload", "conversions.view_upload", "state__exact=%00"),
        ("conversions_conversion", "conversions.view_conversion", "status__exact=a%00b"),
        ("offers_network", "offers.view_network", "name__exact=%00"),
    ],
)
def test_a_filter_that_no_text_can_meet_leads_to_the_list_without_filters(name: str, permission: str, query: str):
    url = reverse(f"admin:{name}_changelist")

    answer = staff_client(permission).get(f"{url}?{query}", follow=True)

    assert answer.redirect_chain == [(f"{url}?e=1", 302)]
    assert answer.status_code == 200
