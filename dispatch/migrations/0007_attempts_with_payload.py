from django.db import migrations, models

from conversions.indexing import AddIndexMeanwhile


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ('dispatch', '0006_delivery_that_survives'),
    ]

    operations = [
        AddIndexMeanwhile(
            model_name='deliveryattempt',
            index=models.Index(condition=models.Q(('payload', {}), _negated=True), fields=['id'], name='attempt_with_payload'),
        ),
    ]
