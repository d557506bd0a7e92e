import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('conversions', '0011_consent_of_an_offer'),
    ]

    operations = [
        migrations.AlterField(
            model_name='consentrecord',
            name='offer',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='offers.offer'),
        ),
        migrations.AlterModelOptions(
            name='consentrecord',
            options={'ordering': ['-id'], 'permissions': [('export_consentrecord', 'Can export answers about consent')]},
        ),
        migrations.AddIndex(
            model_name='consentrecord',
            index=models.Index(fields=['offer', '-id'], name='consent_newest_of_offer'),
        ),
    ]
