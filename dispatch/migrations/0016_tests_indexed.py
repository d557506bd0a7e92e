from django.db import migrations, models

from conversions.indexing import AddIndexMeanwhile


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ('conversions', '0013_tests_indexed'),
        ('dispatch', '0015_roles_of_health'),
    ]

    operations = [
        AddIndexMeanwhile(
            model_name='delivery',
            index=models.Index(condition=models.Q(('is_test', True)), fields=['status', '-id'], name='delivery_test'),
        ),
    ]
