from collections import Counter
from itertools import groupby

import django.db.models.deletion
from django.db import migrations, models

AT_ONCE = 2000


def add_up(apps, schema_editor):
    """The days of the half-hours that are there."""
    TellingSlot, TellingDay = (apps.get_model("dispatch", name) for name in ("TellingSlot", "TellingDay"))
    slots = TellingSlot.objects.exclude(delays={}).order_by("offer_id", "pixel_id", "starts_at")
    rows = slots.values_list("offer_id", "pixel_id", "starts_at", "delays").iterator(AT_ONCE)
    days = (day(TellingDay, key, group) for key, group in groupby(rows, lambda row: (*row[:2], row[2].date())))
    TellingDay.objects.bulk_create(days, batch_size=AT_ONCE)


def day(TellingDay, key, rows):
    offer, pixel, _ = key
    delays = Counter()
    for *_, starts_at, of_slot in rows:
        delays.update(of_slot)
    midnight = starts_at.replace(hour=0, minute=0, second=0, microsecond=0)
    return TellingDay(offer_id=offer, pixel_id=pixel, starts_at=midnight, delays=dict(delays))


class Migration(migrations.Migration):

    dependencies = [
        ('dispatch', '0016_tests_indexed'),
        ('offers', '0007_turned_away'),
    ]

    operations = [
        migrations.CreateModel(
            name='TellingDay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('starts_at', models.DateTimeField()),
                ('delays', models.JSONField(default=dict, help_text='Those of its half-hours, together.')),
                ('offer', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='offers.offer')),
                ('pixel', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='offers.pixel')),
            ],
            options={
                'indexes': [models.Index(fields=['starts_at'], name='telling_day_by_time')],
                'constraints': [models.UniqueConstraint(fields=('offer', 'pixel', 'starts_at'), name='one_telling_day')],
            },
        ),
        migrations.RunPython(add_up, migrations.RunPython.noop),
    ]
