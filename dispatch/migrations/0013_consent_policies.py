import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('dispatch', '0012_roles_of_consent'),
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
    ]
