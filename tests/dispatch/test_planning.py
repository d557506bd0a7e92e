import pytest
from django.utils import timezone

from conversions.consent import record_answer
from conversions.models import Click, Consent, Conversion
from dispatch import planning
from dispatch.models import Delivery
from dispatch.planning import decide, plan
from dispatch.reasons import Reason
from dispatch.tasks import deliver_soon
from tests.factories import call_page_event, make_click, make_conversion, make_delivery, make_offer

pytestmark = pytest.mark.django_db
PAGE = {"trigger": "page", "event_name": "ViewContent"}
Status = Delivery.Status


def planned(conversion: Conversion) -> Delivery | None:
    plan(timezone.now())
    return Delivery.objects.filter(conversion=conversion).first()


def test_an_approved_conversion_becomes_a_waiting_delivery():
    conversion = make_conversion()

    delivery = planned(conversion)

    assert delivery.status == Status.WAITING
    assert (delivery.event_name, delivery.event_id) == ("Purchase", conversion.event_id)


def test_planning_twice_promises_once():
    conversion = make_conversion()
    plan(timezone.now())
    Conversion.objects.update(planned_at=None)

    plan(timezone.now())

    assert Delivery.objects.get().conversion == conversion


@pytest.mark.parametrize("status", ["tracked", "pending"])
def test_nothing_is_told_before_the_network_approves(status):
    assert planned(make_conversion(status=status)) is None


def test_a_page_event_is_told_at_once():
    click = make_click(make_offer(rules=[PAGE]))

    delivery = planned(make_conversion(click, event_name="ViewContent", status="tracked", payout=None))

    assert delivery.status == Status.WAITING


def test_a_page_event_and_an_answer_wake_the_sender_at_once(monkeypatch, django_capture_on_commit_callbacks):
    woken: list[bool] = []
    monkeypatch.setattr(deliver_soon, "ask", lambda: woken.append(True))
    click = make_click(make_offer(rules=[PAGE], consent_required=True))

    with django_capture_on_commit_callbacks(execute=True):
        call_page_event(click, "ViewContent")
    with django_capture_on_commit_callbacks(execute=True):
        record_answer(click.pk, "granted", "banner", "", timezone.now())

    assert len(woken) == 2


@pytest.mark.parametrize(
    ("offer", "rule"),
    [({"tracking_mode": "pixel"}, {}), ({}, {"legs": "pixel"}), ({"tracking_mode": "pixel"}, {"legs": "both"})],
)
def test_the_pixel_leg_alone_suppresses_the_server_leg(offer, rule):
    rules = [{"trigger": "approved", "event_name": "Purchase", **rule}]

    delivery = planned(make_conversion(make_click(make_offer(rules=rules, **offer))))

    assert (delivery.status, delivery.reason) == (Status.SUPPRESSED, Reason.PIXEL_ONLY)


@pytest.mark.parametrize(
    ("required", "consent", "status", "reason"),
    [
        (True, Consent.UNKNOWN, Status.HELD, Reason.CONSENT_UNKNOWN),
        (True, Consent.GRANTED, Status.WAITING, ""),
        (True, Consent.DENIED, Status.SUPPRESSED, Reason.CONSENT_DENIED),
        (False, Consent.DENIED, Status.SUPPRESSED, Reason.CONSENT_DENIED),
        (False, Consent.WITHDRAWN, Status.SUPPRESSED, Reason.CONSENT_DENIED),
        (False, Consent.UNKNOWN, Status.WAITING, ""),
    ],
)
def test_consent_decides(required, consent, status, reason):
    click = make_click(make_offer(consent_required=required), consent=consent)

    delivery = planned(make_conversion(click))

    assert (delivery.status, delivery.reason) == (status, reason)


def test_consent_given_later_releases_what_was_held():
    conversion = make_conversion(make_click(make_offer(consent_required=True)))
    plan(timezone.now())
    Click.objects.update(consent=Consent.GRANTED)
    Conversion.objects.update(planned_at=None)

    assert planned(conversion).status == Status.WAITING


def test_what_staff_cannot_repair_is_suppressed():
    delivery = planned(make_conversion(make_click(ttclid="", ip=None)))

    assert (delivery.status, delivery.reason) == (Status.SUPPRESSED, Reason.NO_MATCH_KEY)


def test_what_a_person_can_repair_is_a_dead_letter_that_names_the_field():
    delivery = planned(make_conversion(currency=""))

    assert (delivery.status, delivery.reason) == (Status.DEAD, Reason.CONTRACT)
    assert "properties.currency" in delivery.detail


@pytest.mark.parametrize("status", ["refunded", "chargeback", "rejected"])
def test_what_was_taken_back_first_is_never_sent(status):
    delivery = planned(make_conversion(status=status))

    assert (delivery.status, delivery.reason) == (Status.SUPPRESSED, Reason.TAKEN_BACK)


def test_a_refund_cancels_a_delivery_that_still_waits():
    delivery = make_delivery()
    Conversion.objects.update(status="refunded", planned_at=None)

    assert planned(delivery.conversion).status == Status.SUPPRESSED


@pytest.mark.parametrize("status", [Status.LEASED, Status.ACCEPTED, Status.DEAD, Status.DISCARDED])
def test_a_refund_leaves_alone_what_is_decided(status):
    delivery = make_delivery(status=status)
    Conversion.objects.update(status="refunded", planned_at=None)

    assert planned(delivery.conversion).status == status


def test_planning_costs_no_query_per_conversion(django_assert_num_queries):
    click = make_click()
    for _ in range(5):
        make_conversion(click)

    with django_assert_num_queries(10):
        plan(timezone.now())


def test_a_flood_is_planned_from_both_ends():
    flood = [make_conversion(make_click(offer)) for offer in [make_offer()] for _ in range(6)]
    newest = make_conversion()

    plan(timezone.now(), limit=2)
    plan(timezone.now(), limit=2, newest_first=True)

    assert set(Delivery.objects.values_list("conversion", flat=True)) == {
        flood[0].pk,
        flood[1].pk,
        flood[-1].pk,
        newest.pk,
    }


def test_a_fault_of_ours_costs_one_delivery_not_the_queue(monkeypatch):
    click = make_click()
    conversions = [make_conversion(click) for _ in range(3)]
    build = planning.build_event

    def stumble(conversion, *args):
        return build(conversion, *args) if conversion != conversions[1] else 1 / 0

    monkeypatch.setattr(planning, "build_event", stumble)
    plan(timezone.now())

    failed = Delivery.objects.get(status=Status.DEAD)
    assert (failed.conversion, failed.reason) == (conversions[1], Reason.FAILED)
    assert Delivery.objects.filter(status=Status.WAITING).count() == 2


def test_a_match_key_that_comes_later_lets_the_event_go():
    click = make_click(make_offer(send_email=True), ttclid="", ip=None)
    conversion = make_conversion(click)
    plan(timezone.now())
    Conversion.objects.update(email_sha256="a" * 64, planned_at=None)

    assert planned(conversion).status == Status.WAITING


def test_what_is_held_for_a_person_is_not_released_by_a_late_fact():
    delivery = make_delivery(status=Status.HELD, reason=Reason.OUTCOME_UNKNOWN)
    Conversion.objects.update(planned_at=None)

    assert planned(delivery.conversion).reason == Reason.OUTCOME_UNKNOWN


def value_told(rules, **fields):
    """The value that the server leg tells for an approved conversion under these rules."""
    conversion = make_conversion(make_click(make_offer(rules=rules)), **fields)
    decision = decide(conversion, list(conversion.offer.event_rules.all()), timezone.now())
    return decision.event.get("properties", {}).get("value")


FIRST_DEPOSIT = {
    "trigger": "approved",
    "network_event": "ftd",
    "event_name": "Purchase",
    "value_source": "fixed",
    "fixed_value": 100,
}
ANY_SALE = {"trigger": "approved", "event_name": "Purchase", "value_source": "payout"}
PENDING_SALE = {"trigger": "pending", "event_name": "Purchase"}


@pytest.mark.parametrize("rules", [[FIRST_DEPOSIT, ANY_SALE], [ANY_SALE, FIRST_DEPOSIT]])
@pytest.mark.parametrize(("event", "value"), [("FTD", 100), ("rebill", 40), ("", 40)])
def test_the_rule_that_names_the_event_decides_its_value(rules, event, value):
    assert value_told(rules, network_event=event) == value


@pytest.mark.parametrize("rules", [[PENDING_SALE, ANY_SALE], [ANY_SALE, PENDING_SALE]])
def test_an_approved_sale_follows_the_rule_for_approval(rules):
    assert value_told(rules) == 40


@pytest.mark.parametrize(
    ("fields", "value"),
    [
        ({}, 25),
        ({"occurrence_key": "T-2"}, 40),
        ({"occurrence_key": "T-2", "page_properties": {"order_id": "T-2"}}, 25),
        ({"occurrence_key": "upsell|T-3", "kind": "upsell"}, 40),
    ],
)
def test_the_pages_own_value_is_that_of_sales_which_a_page_calls(fields, value):
    page = {"trigger": "page", "event_name": "Purchase", "value_source": "fixed", "fixed_value": 25}

    assert value_told([page, ANY_SALE, {**ANY_SALE, "trigger": "upsell"}], **fields) == value


def test_a_page_rule_for_the_pixel_does_not_keep_the_server_leg_back():
    rules = [{"trigger": "page", "event_name": "Purchase", "legs": "pixel"}, {**ANY_SALE, "legs": "server"}]
    conversion = make_conversion(make_click(make_offer(rules=rules)), status="tracked")
    plan(timezone.now())
    Conversion.objects.update(status="approved", planned_at=None)

    assert planned(conversion).status == Status.WAITING
