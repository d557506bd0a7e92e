from django.db import migrations, models

from conversions.indexing import AddIndexMeanwhile


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ('conversions', '0013_tests_indexed'),
    ]

    operations = [
        AddIndexMeanwhile(
            model_name='ledgerentry',
            index=models.Index(fields=['kind', 'created_at'], name='ledger_entry_by_kind'),
        ),
    ]
