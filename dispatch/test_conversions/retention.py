"""Test conversions that are old: their clicks go with all that hangs on them, as they count nowhere."""

from django.db import transaction
from django.db.models import Q

from conversions.models import Click, ConsentRecord, Conversion, Enrichment, LedgerEntry, Postback, Sighting
from conversions.retention import NONE, Chore, Rows
from dispatch.models import Delivery, TestConversion


def old_tests() -> Chore:
    """Clicks of tests, found by their index."""
    return Chore(Click.objects.filter(is_test=True), "created_at", NONE, delete_clicks)


def delete_clicks(rows: Rows) -> int:
    """Delete clicks of tests with their conversions, postbacks and deliveries; what a worker is sending stays."""
    with transaction.atomic():
        keys = list(rows.values_list("pk", flat=True))
        leased = Delivery.objects.filter(conversion__click__in=keys, status=Delivery.Status.LEASED)
        keys = list(set(keys) - set(leased.values_list("conversion__click", flat=True)))
        conversions = list(Conversion.objects.filter(click__in=keys).values_list("pk", flat=True))
        Delivery.objects.filter(conversion__in=conversions).delete()
        for model in (Enrichment, LedgerEntry, Sighting):
            model._default_manager.filter(conversion__in=conversions).delete()
        Postback.objects.filter(Q(conversion__in=conversions) | Q(click_ref__in=keys), is_test=True).delete()
        Conversion.objects.filter(pk__in=conversions).delete()
        ConsentRecord.objects.filter(click__in=keys).delete()
        TestConversion.objects.filter(click__in=keys).delete()
        Click.objects.filter(pk__in=keys).delete()
    return len(keys)
