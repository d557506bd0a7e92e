"""What is told beside the money: kept as it was told, the newest stands, and none of it costs a sale."""

from datetime import timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from conversions.digest import digest_batch
from conversions.identity import HIDDEN
from conversions.models import Click, Conversion, Enrichment, Postback
from conversions.networks.generic import ALIASES, BESIDE_NAMES
from conversions.outcomes import Outcome
from conversions.replaying import replay
from conversions.retention import postbacks
from conversions.traces import read_person
from conversions.uploads.creating import choose
from dispatch.erasure import erase
from tests.conversions.support import digest_everything
from tests.conversions.uploads.support import csv_bytes, make_upload, work
from tests.factories import call_page_event, make_click, make_conversion, make_offer, make_postback
from tests.staff import staff_client

pytestmark = pytest.mark.django_db
NOW = timezone.now()
A_DAY = 24 * 60  # minutes: later than whatever a file is uploaded at


def tell(click: Click, minute: int = 0, **params: str) -> Postback:
    """A postback of the click's sale that came in some minute, digested."""
    moment = NOW + timedelta(minutes=minute)
    told = make_postback(
        click.offer.network, {"click_id": click.pk, "txid": f"T-{click.pk}", **params}, received_at=moment
    )
    digest_batch(timezone.now() + timedelta(days=1))
    told.refresh_from_db()
    return told


def facts(click: Click) -> tuple[Any, ...]:
    found = Conversion.objects.get(click=click)
    return found.margin, found.lifetime_value, found.segment, found.lead_quality


def test_a_sale_takes_over_what_comes_with_it():
    click = make_click()

    told = tell(click, payout="5", profit="1,50", LTV="80", customer_segment=" gold  plus ", leadQuality="Hot")

    assert facts(click) == (Decimal("1.50"), Decimal(80), "gold plus", "Hot")
    assert (told.outcome, told.detail) == (Outcome.RECORDED, "")
    assert Enrichment.objects.get().postback == told


def test_no_name_of_what_is_beside_the_money_is_a_name_of_the_sale():
    assert BESIDE_NAMES.isdisjoint({*ALIASES, *(name for names in ALIASES.values() for name in names)})


def test_a_network_may_have_names_of_its_own():
    click = make_click()
    click.offer.network.parameter_names = {"lead_quality": "grade"}
    click.offer.network.save()

    tell(click, grade="A", quality="B")

    assert facts(click)[3] == "A"


def test_whatever_the_order_the_newest_of_each_stands():
    told = [
        (1, {"lead_quality": "cold", "margin": "3"}),
        (2, {"lead_quality": "hot"}),
        (3, {"margin": "4", "status": "pending"}),
    ]
    for order in permutations(told):
        click = make_click()
        for minute, params in order:
            tell(click, minute, **params)

        assert facts(click) == (Decimal(4), None, "", "hot")
        assert click.conversions.get().enrichments.count() == 3


def test_of_two_that_came_at_once_the_later_in_the_log_stands():
    click = make_click()
    for word in ("cold", "hot"):
        make_postback(click.offer.network, {"click_id": click.pk, "txid": "T-1", "quality": word}, received_at=NOW)

    digest_everything()

    assert facts(click)[3] == "hot"


def test_a_repetition_with_news_updates_the_conversion_and_says_so():
    click = make_click()
    tell(click, 1, lead_quality="warm")
    Conversion.objects.update(planned_at=NOW)

    news, old = tell(click, 3, lead_quality="hot"), tell(click, 2, lead_quality="cold")

    assert (news.outcome, old.outcome) == (Outcome.UPDATED, Outcome.DUPLICATE)
    assert news.detail.endswith("The conversion takes over the lead quality that it tells.")
    assert old.detail.endswith("is kept in the log and changes nothing.")
    assert Conversion.objects.get().planned_at is None
    assert facts(click)[3] == "hot"


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"ltv": "{ltv}"}, "The lifetime value is left out: it came as {ltv} instead of a value."),
        ({"margin": "lots"}, "The margin is left out: “lots” is not a plain number."),
    ],
)
def test_what_can_not_be_read_costs_no_sale_and_is_said(params, words):
    click = make_click()

    told = tell(click, payout="5", segment="gold", **params)

    assert (told.outcome, told.detail) == (Outcome.RECORDED, words)
    assert facts(click) == (None, None, "gold", "")


def test_money_in_another_currency_stands_in_the_log_only():
    click = make_click()

    told = tell(click, payout="5", currency="USD")
    later = tell(click, 1, margin="9", currency="EUR", quality="hot")

    assert facts(click) == (None, None, "", "hot")
    assert (told.detail, Enrichment.objects.get().margin) == ("", Decimal(9))
    assert "The margin came in EUR instead of USD and stands in the log only." in later.detail


def test_nor_does_it_stand_where_a_later_fact_of_the_batch_changes_the_currency():
    click = make_click()
    of_sale = {"click_id": click.pk, "txid": "T-1", "payout": "5"}
    make_postback(click.offer.network, {**of_sale, "status": "pending", "currency": "EUR", "margin": "9"})
    make_postback(click.offer.network, {**of_sale, "status": "approved", "currency": "USD"})

    digest_everything()

    assert Conversion.objects.get().currency == "USD"
    assert (facts(click)[0], Enrichment.objects.get().margin) == (None, Decimal(9))


def test_digesting_again_writes_nothing_twice():
    click = make_click()
    told = tell(click, margin="3")

    replay([told.pk], timezone.now())
    digest_everything()

    assert Enrichment.objects.count() == 1


def test_what_was_told_goes_along_with_a_sale_that_is_given_back():
    click = make_click(
        make_offer([{"trigger": "page", "event_name": "Purchase"}, {"trigger": "approved", "event_name": "Purchase"}])
    )
    named = call_page_event(click, "Purchase", key="A")
    tell(click, 1, txid="B", quality="hot")
    assert facts(click)[3] == "hot"

    tell(click, 2, txid="A", quality="cold")

    named.refresh_from_db()
    assert (named.transaction_id, named.lead_quality) == ("A", "cold")
    other = Conversion.objects.get(transaction_id="B")
    assert (other.lead_quality, other.enrichments.count(), named.enrichments.count()) == ("hot", 1, 1)


def test_without_anything_of_it_the_digest_asks_nothing_more(django_assert_num_queries, django_assert_max_num_queries):
    first, second = make_click(), make_click()
    make_postback(first.offer.network, {"click_id": first.pk, "txid": "1"})
    with django_assert_max_num_queries(40) as plain:
        digest_batch(timezone.now())
    make_postback(second.offer.network, {"click_id": second.pk, "txid": "2", "quality": "hot"})

    with django_assert_num_queries(len(plain) + 2):  # what the log has, and one INSERT
        digest_batch(timezone.now())

    assert not any("enrichment" in query["sql"] for query in plain)


def test_a_row_of_a_file_tells_it_as_of_the_files_time():
    click = make_click()
    tell(click, A_DAY, payout="5", lead_quality="hot")
    rows = csv_bytes(
        "Click ID,Transaction ID,Lead Quality,LTV,Profit", f'{click.pk},T-{click.pk},cold,"$1,250.00",lots'
    )
    upload = work(make_upload(rows, click.offer.network))
    row = upload.rows.get()
    assert (row.verdict, "The margin is left out" in row.detail) == ("updated", True)

    choose(upload.pk, Q())
    work(upload)
    digest_everything()

    assert facts(click) == (None, Decimal(1250), "", "hot")


def test_erasing_takes_the_words_and_keeps_the_money():
    click = make_click()
    told = tell(click, payout="5", margin="2", segment="gold", lead_quality="hot")

    erase(read_person("click", click.pk), None, timezone.now())
    again = tell(click, 2, segment="gold", margin="3")
    replay([told.pk], timezone.now())
    digest_everything()

    assert facts(click) == (Decimal(3), None, "", "")
    assert set(Enrichment.objects.values_list("segment", "lead_quality")) == {("", "")}
    told.refresh_from_db()
    assert (told.params["segment"], told.params["margin"], again.params["segment"]) == (HIDDEN, "2", HIDDEN)


def test_the_log_outlives_the_call_it_came_by():
    click = make_click()
    tell(click, lead_quality="hot")

    list(postbacks().batches(NOW + timedelta(days=1)))

    assert (Enrichment.objects.get().postback, facts(click)[3]) == (None, "hot")


def test_the_conversions_page_has_the_log_and_the_list_what_stands():
    click = make_click()
    tell(click, 1, payout="5", currency="USD", margin="2")
    tell(click, 2, lead_quality="hot")
    client = staff_client("conversions.view_conversion")

    page = client.get(reverse("admin:conversions_conversion_change", args=[Conversion.objects.get().pk]))
    rows = client.get(reverse("admin:conversions_conversion_changelist"))

    assert "The newest of each stands: lead quality “hot”, margin 2.00\N{NO-BREAK SPACE}USD." in page.content.decode()
    assert ">lead quality “hot”</span>" in rows.content.decode()


def test_a_conversion_without_any_has_no_such_table():
    conversion = make_conversion()

    page = staff_client("conversions.view_conversion").get(
        reverse("admin:conversions_conversion_change", args=[conversion.pk])
    )

    assert "Told beside the money" not in page.content.decode()
