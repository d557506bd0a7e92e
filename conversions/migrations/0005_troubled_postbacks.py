from django.db import migrations, models

from conversions.indexing import AddIndexMeanwhile


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ('conversions', '0004_networks_of_any_kind'),
    ]

    operations = [
        AddIndexMeanwhile(
            model_name='postback',
            index=models.Index(condition=models.Q(('outcome__in', ['unmatched_click', 'missing_click_id', 'unreplaced_macro', 'wrong_network', 'unmapped_status', 'bad_amount', 'bad_currency', 'no_rule', 'undecodable', 'too_large', 'bad_signature', 'repeated_parameter', 'ip_not_allowed', 'failed'])), fields=['outcome', 'network', '-id'], name='postback_troubled'),
        ),
    ]
