from django.db import migrations, models

from conversions.indexing import AddIndexMeanwhile


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ('conversions', '0013_tests_indexed'),
        ('dispatch', '0015_roles_of_health'),
    ]

    operations = [
        migrations.AlterField(
            model_name='delivery',
            name='reason',
            field=models.CharField(blank=True, choices=[('consent_unknown', 'Waiting for consent'), ('outcome_unknown', 'Outcome unknown for 48 hours'), ('no_rate', 'No exchange rate'), ('consent_denied', 'Consent denied'), ('pixel_only', 'Pixel leg only'), ('taken_back', 'Taken back before it was sent'), ('robot', 'Not a person'), ('erased', 'Erased on request'), ('contract', "Breaks TikTok's contract"), ('too_old', 'Event too old'), ('no_match_key', 'Nothing to match a person by'), ('invalid', 'TikTok refused the event'), ('retries_exhausted', 'All retries failed'), ('crash_loop', 'Worker died with it, repeatedly'), ('no_test_code', 'Test without a test event code'), ('failed', 'Our own error')], max_length=30),
        ),
        AddIndexMeanwhile(
            model_name='delivery',
            index=models.Index(condition=models.Q(('is_test', True)), fields=['status', '-id'], name='delivery_test'),
        ),
    ]
