from django.db import migrations, models

from conversions.indexing import AddIndexMeanwhile


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ('dispatch', '0011_pages_and_consent'),
    ]

    operations = [
        AddIndexMeanwhile(
            model_name='delivery',
            index=models.Index(condition=models.Q(('status', 'held')), fields=['reason', 'id'], name='delivery_held_in_order'),
        ),
    ]
