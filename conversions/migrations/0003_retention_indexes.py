from django.db import migrations, models

from conversions.indexing import AddIndexMeanwhile


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ('conversions', '0002_retention'),
    ]

    operations = [
        AddIndexMeanwhile(
            model_name='click',
            index=models.Index(condition=models.Q(('ip__isnull', False), models.Q(('user_agent', ''), _negated=True), _connector='OR'), fields=['id'], name='click_with_visitor'),
        ),
        AddIndexMeanwhile(
            model_name='postback',
            index=models.Index(condition=models.Q(('remote_ip__isnull', False)), fields=['id'], name='postback_with_address'),
        ),
    ]
