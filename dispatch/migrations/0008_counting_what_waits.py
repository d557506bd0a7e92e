from django.db import migrations, models

from conversions.indexing import AddIndexMeanwhile, RemoveIndexMeanwhile


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ('conversions', '0002_retention'),
        ('dispatch', '0007_attempts_with_payload'),
    ]

    operations = [
        AddIndexMeanwhile(
            model_name='delivery',
            index=models.Index(condition=models.Q(('status', 'waiting')), fields=['pixel', 'next_attempt_at', 'status'], name='delivery_due_by_pixel'),
        ),
        RemoveIndexMeanwhile(
            model_name='delivery',
            name='delivery_due',
        ),
    ]
