from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('offers', '0006_enrichments'),
    ]

    operations = [
        migrations.AddField(
            model_name='network',
            name='turned_away_at',
            field=models.DateTimeField(
                blank=True, editable=False, null=True, verbose_name='last called with a wrong secret'
            ),
        ),
    ]
