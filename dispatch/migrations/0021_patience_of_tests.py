import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('dispatch', '0020_marks_of_stale_sums'),
    ]

    operations = [
        migrations.AddField(
            model_name='testconversion',
            name='gives_up_at',
            field=models.DateTimeField(default=django.utils.timezone.now, help_text='What the workers have not done by then has failed.', verbose_name='gives up'),
            preserve_default=False,
        ),
    ]
