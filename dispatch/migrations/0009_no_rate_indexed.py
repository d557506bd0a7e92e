from django.db import migrations, models

from conversions.indexing import AddIndexMeanwhile


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ('dispatch', '0009_no_rate'),
    ]

    operations = [
        AddIndexMeanwhile(
            model_name='delivery',
            index=models.Index(condition=models.Q(('status', 'held'), models.Q(('lacks_rate', ''), _negated=True)), fields=['lacks_rate'], name='delivery_without_rate'),
        ),
    ]
