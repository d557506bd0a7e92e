"""The offer editor: consent, hosts, caps, and what is pasted into pages."""

from typing import Any

from django.test import TestCase, override_settings

from offers.admin.offer import copy_offer
from offers.models import Offer
from tests.factories import make_offer
from tests.offers.test_admin_offer import EDIT, form_data, page_of
from tests.staff import staff_client


@override_settings(PUBLIC_BASE_URL="https://track.example")
class OfferPagesTests(TestCase):
    def copied(self, **fields: Any) -> str:
        rules = [{"trigger": "page", "event_name": name} for name in ("ViewContent", "Lead")]
        page = staff_client("offers.view_offer").get(page_of(make_offer(rules=rules, **{"slug": "lamp", **fields})))
        return "\n".join(item.text for group in page.context["copy_groups"] for item in group.items)

    def test_a_static_page_has_a_line_for_each_event_that_the_script_does_not_tell_by_itself(self) -> None:
        texts = self.copied()

        assert 'data-track="Lead"' in texts
        assert '(window.tracking = window.tracking || []).push(["track", "Lead"]);' in texts
        assert 'data-track="ViewContent"' not in texts
        assert '{% tiktok_event "ViewContent" "lamp" %}' in texts

    def test_only_approved_identifiers_and_needed_answers_are_shown(self) -> None:
        bare = self.copied(slug="bare")

        texts = self.copied(send_email=True, send_external_id=True, consent_required=True)

        assert "identify" not in bare
        assert "consent" not in bare
        assert '["identify", {email: "…", external_id: "…"}]' in texts
        assert '{% tiktok_identify email=user.email external_id=user.pk offer="lamp" %}' in texts
        assert '["consent", "granted", "banner"]' in texts


class OfferPolicyTests(TestCase):
    def save(self, offer: Offer, **fields: Any) -> Any:
        data = form_data(network=offer.network_id, pixel=offer.pixel_id, **fields)
        return staff_client(*EDIT).post(page_of(offer), data, follow=True)

    def test_lists_are_tidied_up(self) -> None:
        offer = make_offer()

        self.save(
            offer, consent_countries="de, fr;DE", limited_data_places="us-ca", page_hosts="Shop.Example *.b.example"
        )

        offer.refresh_from_db()
        assert (offer.consent_countries, offer.limited_data_places) == ("DE FR", "US-CA")
        assert offer.page_hosts == "shop.example *.b.example"

    def test_refuses_what_is_no_country_host_or_cap(self) -> None:
        offer = make_offer()

        for fields, words in (
            ({"consent_countries": "Germany"}, "is no country such as DE"),
            ({"page_hosts": "https://shop.example/x"}, "Write it as in shop.example"),
            ({"daily_cap": "0"}, "Enter at least 1"),
            ({"total_cap": "-3"}, "greater than or equal to 0"),
            ({"fallback_offer": str(offer.pk)}, "That choice is not one of the available choices"),
        ):
            with self.subTest(fields=fields):
                self.assertContains(self.save(offer, **fields), words)

    def test_warns_of_a_cap_that_nobody_stands_in_for(self) -> None:
        offer, closed = make_offer(), make_offer(name="Chair", is_active=False)

        without = self.save(offer, daily_cap="5")
        inactive = self.save(offer, daily_cap="5", fallback_offer=str(closed.pk))

        self.assertContains(without, "This offer has a cap but no fallback offer")
        self.assertContains(inactive, "The fallback offer “Chair” is inactive")

    def test_a_copy_has_the_same_policy(self) -> None:
        policy = {
            "consent_required": True, "consent_countries": "DE", "limited_data_places": "US-CA", "send_phone": True,
            "page_hosts": "a.example", "daily_cap": 5, "total_cap": 9, "cap_time_zone": "Europe/Berlin",
        }  # fmt: skip
        fallback = make_offer()

        copy = copy_offer(make_offer(fallback_offer=fallback, **policy))

        copy.refresh_from_db()
        assert {name: getattr(copy, name) for name in policy} == policy
        assert copy.fallback_offer == fallback
