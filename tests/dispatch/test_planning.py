import pytest
from django.utils import timezone

from conversions.models import Click, Consent, Conversion
from dispatch import planning
from dispatch.models import Delivery
from dispatch.planning import plan
from dispatch.reasons import Reason
from tests.factories import make_click, make_conversion, make_delivery, make_offer

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


def test_what_no_repair_can_help_is_suppressed():
    delivery = planned(make_conversion(make_click(ttclid="", ip=None)))

    assert (delivery.status, delivery.reason) == (Status.SUPPRESSED, Reason.NO_MATCH_KEY)


def test_what_a_person_can_repair_is_a_dead_letter_that_names_the_field():
    delivery = planned(make_conversion(currency="XXX"))

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

    with django_assert_num_queries(7):
        plan(timezone.now())


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
