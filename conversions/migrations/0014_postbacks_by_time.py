from django.db import migrations, models

from conversions.indexing import AddIndexMeanwhile


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ('conversions', '0013_tests_indexed'),
    ]

    operations = [
        AddIndexMeanwhile(
            model_name='postback',
            index=models.Index(fields=['network', 'received_at'], name='postback_of_network_by_time'),
        ),
    ]
