from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('dispatch', '0004_heartbeat'),
    ]

    operations = [
        migrations.DeleteModel(name='Heartbeat'),
        migrations.CreateModel(
            name='Heartbeat',
            fields=[
                ('cluster', models.CharField(help_text="The host's name, as `run_workers` sees it.", max_length=100, primary_key=True, serialize=False)),
                ('beat_at', models.DateTimeField()),
                ('asked_at', models.DateTimeField(null=True)),
                ('restarts', models.PositiveIntegerField(default=0)),
            ],
        ),
    ]
