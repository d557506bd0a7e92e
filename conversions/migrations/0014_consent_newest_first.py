from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('conversions', '0013_traces_of_a_person'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='consentrecord',
            options={'ordering': ['-created_at'], 'permissions': [('export_consentrecord', 'Can export answers about consent')]},
        ),
        migrations.RemoveIndex(
            model_name='consentrecord',
            name='consent_newest_of_offer',
        ),
        migrations.AddIndex(
            model_name='consentrecord',
            index=models.Index(fields=['-created_at'], name='consent_newest'),
        ),
        migrations.AddIndex(
            model_name='consentrecord',
            index=models.Index(fields=['offer', '-created_at'], name='consent_newest_for_offer'),
        ),
    ]
