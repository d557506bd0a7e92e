from django.db import migrations, models

from conversions.indexing import AddIndexMeanwhile


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ('conversions', '0012_tests_and_enrichments'),
    ]

    operations = [
        AddIndexMeanwhile(
            model_name='click',
            index=models.Index(condition=models.Q(('is_test', True)), fields=['-created_at'], name='click_test'),
        ),
        AddIndexMeanwhile(
            model_name='conversion',
            index=models.Index(condition=models.Q(('is_test', True)), fields=['-created_at'], name='conversion_test'),
        ),
        AddIndexMeanwhile(
            model_name='postback',
            index=models.Index(condition=models.Q(('is_test', True)), fields=['-id'], name='postback_test'),
        ),
        AddIndexMeanwhile(
            model_name='postback',
            index=models.Index(fields=['network', 'received_at'], name='postback_of_network_by_time'),
        ),
    ]
