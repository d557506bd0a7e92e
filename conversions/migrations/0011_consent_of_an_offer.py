import django.db.models.deletion
from django.db import migrations, models
from django.db.models import OuterRef, Subquery


def fill(apps, schema_editor):
    alias = schema_editor.connection.alias
    clicks = apps.get_model('conversions', 'Click').objects.using(alias).filter(pk=OuterRef('click'))
    records = apps.get_model('conversions', 'ConsentRecord').objects.using(alias)
    records.filter(offer=None).update(offer=Subquery(clicks.values('offer')[:1]))


class Migration(migrations.Migration):

    dependencies = [
        ('conversions', '0010_conversions_of_an_offer'),
    ]

    operations = [
        migrations.AddField(
            model_name='consentrecord',
            name='offer',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='offers.offer'),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
