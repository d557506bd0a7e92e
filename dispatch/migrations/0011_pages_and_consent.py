import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('conversions', '0009_pages_and_consent'),
        ('dispatch', '0010_roles_of_the_inbox'),
        ('offers', '0005_pages_and_consent'),
    ]

    operations = [
        migrations.CreateModel(
            name='ConsentPolicy',
            fields=[
                ('offer', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='+', serialize=False, to='offers.offer')),
                ('policy', models.CharField(blank=True, max_length=510)),
                ('passes_left', models.PositiveSmallIntegerField(default=0, help_text='Times that all of it is to be planned anew.')),
                ('reviewed_to', models.BigIntegerField(default=0, help_text='The last delivery of this pass that was.')),
            ],
        ),
        migrations.AlterField(
            model_name='delivery',
            name='reason',
            field=models.CharField(blank=True, choices=[('consent_unknown', 'Waiting for consent'), ('outcome_unknown', 'Outcome unknown for 48 hours'), ('no_rate', 'No exchange rate'), ('consent_denied', 'Consent denied'), ('pixel_only', 'Pixel leg only'), ('taken_back', 'Taken back before it was sent'), ('robot', 'Not a person'), ('erased', 'Erased on request'), ('contract', "Breaks TikTok's contract"), ('too_old', 'Event too old'), ('no_match_key', 'Nothing to match a person by'), ('invalid', 'TikTok refused the event'), ('retries_exhausted', 'All retries failed'), ('crash_loop', 'Worker died with it, repeatedly'), ('failed', 'Our own error')], max_length=30),
        ),
    ]
