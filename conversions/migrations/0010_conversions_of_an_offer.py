from django.db import migrations, models

from conversions.indexing import AddIndexMeanwhile


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ('conversions', '0009_pages_and_consent'),
    ]

    operations = [
        AddIndexMeanwhile(
            model_name='conversion',
            index=models.Index(fields=['offer', '-created_at'], name='conversion_newest_of_offer'),
        ),
    ]
