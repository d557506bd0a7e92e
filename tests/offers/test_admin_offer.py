from typing import Any

from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import TestCase, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from offers.models import EventRule, Offer
from tests.factories import make_click, make_network, make_offer, make_pixel
from tests.staff import staff_client

LIST = reverse("admin:offers_offer_changelist")
ADD = reverse("admin:offers_offer_add")
EDIT = ["offers.view_offer", "offers.change_offer", "offers.view_network", "offers.view_pixel"]
RULES = ["offers.view_eventrule", "offers.add_eventrule", "offers.change_eventrule", "offers.delete_eventrule"]


def page_of(offer: Offer) -> str:
    return reverse("admin:offers_offer_change", args=[offer.pk])


def form_data(rules: list[dict[str, Any]] | None = None, **fields: Any) -> dict[str, Any]:
    """What a browser posts for an offer; `rules` become lines of the inline."""
    data: dict[str, Any] = {
        "name": "Lamp",
        "slug": "lamp",
        "landing_url": "https://landing.example/",
        "offer_url": "https://network.example/?sub={click_id}",
        "payout": "12.50",
        "currency": "EUR",
        "tracking_mode": "both",
        "cap_time_zone": "UTC",
        "is_active": "on",
        "event_rules-TOTAL_FORMS": len(rules or []),
        "event_rules-INITIAL_FORMS": 0,
        **fields,
    }
    for number, rule in enumerate(rules or []):
        line = {"trigger": "page", "event_name": "ViewContent", "value_source": "none", "legs": "both", **rule}
        data |= {f"event_rules-{number}-{name}": value for name, value in line.items()}
    return data


class OfferListTests(TestCase):
    def test_shows_offers_and_finds_them(self) -> None:
        make_offer(name="Lamp")
        make_offer(name="Chair")

        response = staff_client("offers.view_offer").get(LIST, {"q": "lamp"})

        self.assertContains(response, "Lamp")
        self.assertNotContains(response, "Chair")

    def test_is_closed_to_staff_without_the_permission(self) -> None:
        assert staff_client("offers.view_network").get(LIST).status_code == 403

    def test_costs_no_query_per_row(self) -> None:
        client = staff_client("offers.view_offer")
        make_offer()
        with CaptureQueriesContext(
            connection,
        ) as for_one:
            client.get(LIST)
        for _ in range(5):
            make_offer()

        with self.assertNumQueries(len(for_one)):
            client.get(LIST)

    def test_says_what_to_do_first_when_it_is_empty(self) -> None:
        self.assertContains(staff_client("offers.view_offer").get(LIST), "There are no offers yet.")

    def test_an_empty_search_is_no_empty_table(self) -> None:
        make_offer()

        response = staff_client("offers.view_offer").get(LIST, {"q": "nowhere"})

        self.assertContains(response, "No offers match.")

    def test_escapes_names(self) -> None:
        offer = make_offer(name="<script>alert(1)</script>")
        client = staff_client(*EDIT)

        for url in (LIST, page_of(offer)):
            with self.subTest(url=url):
                self.assertNotContains(client.get(url), "<script>alert(1)</script>")


class OfferEditorTests(TestCase):
    def test_saves_an_offer_with_its_rules(self) -> None:
        data = form_data(
            [{}, {"trigger": "approved", "event_name": "Purchase", "value_source": "payout"}],
            network=make_network().pk,
            pixel=make_pixel().pk,
        )

        response = staff_client("offers.add_offer", *EDIT, *RULES).post(ADD, data)

        assert response.status_code == 302, response.context["errors"]
        rules = Offer.objects.get(slug="lamp").event_rules.values_list("trigger", "event_name", "value_source")
        assert set(rules) == {("page", "ViewContent", "none"), ("approved", "Purchase", "payout")}

    def test_shows_errors_at_their_fields(self) -> None:
        client = staff_client("offers.add_offer", *EDIT, *RULES)
        network, pixel = make_network().pk, make_pixel().pk
        cases: list[tuple[dict[str, Any], list[dict[str, Any]], str]] = [
            ({"offer_url": "https://network.example/"}, [], "Put {click_id} into the link"),
            ({"landing_url": "https://x.example/{nonsense}"}, [], "is not a known token"),
            ({"currency": "XXX"}, [], "is not a currency that TikTok takes"),
            ({}, [{"value_source": "fixed"}], "Enter the value"),
            ({}, [{"fixed_value": "3"}], "Only the value source"),
            ({}, [{"value_source": "payout"}], "A page does not know"),
            ({}, [{"event_name": "Summer sale"}], "looks like the name of a campaign"),
            ({}, [{}, {}], "Another line has this trigger and event already."),
            ({}, [{"trigger": "approved", "network_event": e} for e in ("Sale", "sale")], "Another line has"),
        ]
        for fields, rules, words in cases:
            with self.subTest(fields=fields, rules=rules):
                data = form_data(rules, network=network, pixel=pixel, **fields)
                self.assertContains(client.post(ADD, data), words)
        assert not Offer.objects.exists()

    def test_offers_standard_events_only(self) -> None:
        client = staff_client("offers.add_offer", *EDIT, *RULES)

        self.assertContains(client.get(ADD), '<option value="CompleteRegistration">')
        with override_settings(ALLOW_CUSTOM_EVENT_NAMES=True):
            self.assertNotContains(client.get(ADD), '<option value="CompleteRegistration">')

    def test_writes_only_what_was_edited(self) -> None:
        offer = make_offer(slug="lamp", rules=[{"trigger": "page", "event_name": "ViewContent"}])
        data = form_data(name="New name", network=offer.network_id, pixel=offer.pixel_id)
        data |= {name: getattr(offer, name) for name in ("landing_url", "offer_url", "payout", "currency")}

        with CaptureQueriesContext(connection) as queries:
            staff_client(*EDIT).post(page_of(offer), data)

        updates = [query["sql"] for query in queries if query["sql"].startswith('UPDATE "offers_offer"')]
        assert len(updates) == 1
        assert "New name" in updates[0]
        assert "pixel_id" not in updates[0]

    def test_warns_when_links_change(self) -> None:
        offer = make_offer(slug="old")
        data = form_data(slug="new", network=offer.network_id, pixel=offer.pixel_id)

        response = staff_client(*EDIT).post(page_of(offer), data, follow=True)

        self.assertContains(response, "links already in use get a 404")

    def test_is_closed_to_those_who_may_only_look(self) -> None:
        offer = make_offer(name="Lamp")
        client = staff_client("offers.view_offer")

        assert client.post(page_of(offer), form_data()).status_code == 403
        self.assertContains(client.get(page_of(offer)), "Ready to copy")

    def test_an_offer_with_clicks_stays(self) -> None:
        offer = make_offer()
        make_click(offer)
        delete = reverse("admin:offers_offer_delete", args=[offer.pk])
        client = staff_client("offers.delete_offer", *EDIT)

        for response in (client.get(delete, follow=True), client.post(delete, {"post": "yes"}, follow=True)):
            self.assertContains(response, "because there are clicks of it")
        assert Offer.objects.filter(pk=offer.pk).exists()

    def test_an_offer_without_history_can_go(self) -> None:
        offer = make_offer()
        delete = reverse("admin:offers_offer_delete", args=[offer.pk])

        staff_client("offers.delete_offer", "offers.delete_eventrule", *EDIT).post(delete, {"post": "yes"})

        assert not Offer.objects.exists()


@override_settings(PUBLIC_BASE_URL="https://track.example")
class ReadyToCopyTests(TestCase):
    def test_shows_the_links_and_the_snippet(self) -> None:
        rules = [
            {"trigger": "page", "event_name": "ViewContent"},
            {"trigger": "approved", "event_name": "Purchase"},
            {"trigger": "pending", "event_name": "Lead", "legs": "server"},
        ]
        offer = make_offer(slug="lamp", rules=rules)

        response = staff_client("offers.view_offer").get(page_of(offer))

        for text in (
            "https://track.example/c/lamp/?ttclid=__CLICKID__&amp;utm_source=tiktok&amp;campaign_id=__CAMPAIGN_ID__",
            "{% load tiktok %}{% tiktok_pixel &quot;lamp&quot; %}",
            "{% tiktok_event &quot;ViewContent&quot; &quot;lamp&quot; %}",
            "{% tiktok_event &quot;Purchase&quot; &quot;lamp&quot; %}",
            "https://track.example/go/lamp/",
            "{% offer_link &quot;lamp&quot; %}",
            "src=&quot;https://track.example/pixel/lamp.js&quot;&gt;&lt;/script&gt;",
            "our click id in “sub”",
        ):
            with self.subTest(text=text):
                self.assertContains(response, text)
        self.assertNotContains(response, "{% tiktok_event &quot;Lead&quot;")

    def test_hides_the_secret_from_those_who_may_not_see_it(self) -> None:
        offer = make_offer()
        secret = offer.network.secret.reveal()

        hidden = staff_client(*EDIT).get(page_of(offer))
        visible = staff_client("offers.view_network_secret", *EDIT).get(page_of(offer))

        self.assertNotContains(hidden, secret)
        self.assertContains(hidden, "Ask one of them to paste it")
        self.assertContains(visible, f"https://track.example/postback/{offer.network.slug}/{secret}/?click_id=")

    @override_settings(FIELD_ENCRYPTION_KEYS=["b3RoZXIta2V5LW90aGVyLWtleS1vdGhlci1rZXktMDE="])
    def test_says_so_when_the_secret_can_not_be_read(self) -> None:
        with override_settings(FIELD_ENCRYPTION_KEYS=["dGVzdC1rZXktdGVzdC1rZXktdGVzdC1rZXktdGVzdDE="]):
            offer = make_offer()

        response = staff_client("offers.view_network_secret", *EDIT).get(page_of(offer))

        self.assertContains(response, "The secret can&#x27;t be read")

    def test_warns_of_an_offer_without_rules(self) -> None:
        offer = make_offer()
        EventRule.objects.all().delete()

        self.assertContains(staff_client("offers.view_offer").get(page_of(offer)), "has no event rules yet")

    def test_leaves_the_pixel_out_where_only_the_server_speaks(self) -> None:
        offer = make_offer(tracking_mode="server")

        self.assertNotContains(staff_client("offers.view_offer").get(page_of(offer)), "{% tiktok_pixel")


class CopyOfferTests(TestCase):
    def copy(self, *offers: Offer, permissions: tuple[str, ...] = ("offers.add_offer",)) -> Any:
        data = {"action": "copy_offers", "_selected_action": [offer.pk for offer in offers]}
        return staff_client(*permissions, *EDIT).post(LIST, data, follow=True)

    def test_duplicates_with_rules_under_a_new_slug_and_inactive(self) -> None:
        offer = make_offer(name="Lamp", slug="lamp", notes="Ask Ann first.")

        response = self.copy(offer)

        copy = Offer.objects.get(slug="lamp-copy")
        assert (copy.name, copy.is_active, copy.notes) == ("Copy of Lamp", False, "Ask Ann first.")
        assert copy.event_rules.get().event_name == offer.event_rules.get().event_name == "Purchase"
        assert Offer.objects.get(pk=offer.pk).is_active
        assert LogEntry.objects.get().object_id == str(copy.pk)
        self.assertContains(response, "lamp-copy")

    def test_finds_a_free_slug_each_time(self) -> None:
        offer = make_offer(slug="lamp-" + "x" * 45)

        for _ in range(3):
            self.copy(offer)

        slugs = Offer.objects.exclude(pk=offer.pk).values_list("slug", flat=True)
        stem = offer.slug[:40]
        assert set(slugs) == {f"{stem}-copy", f"{stem}-copy-2", f"{stem}-copy-3"}

    def test_needs_the_permission_to_add(self) -> None:
        self.copy(make_offer(), permissions=())

        assert Offer.objects.count() == 1

    def test_deletion_in_bulk_is_not_offered(self) -> None:
        make_offer()

        response = staff_client("offers.delete_offer", *EDIT).get(LIST)

        self.assertNotContains(response, "delete_selected")
