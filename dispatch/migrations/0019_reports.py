from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("dispatch", "0018_roles_of_tokens")]

    operations = [
        migrations.CreateModel(
            name="Report",
            fields=[],
            options={
                "verbose_name": "report",
                "proxy": True,
                "default_permissions": (),
                "indexes": [],
                "constraints": [],
            },
            bases=("dispatch.offerslot",),
        ),
    ]
