from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('conversions', '0010_indexes_of_pages'),
    ]

    operations = [
        migrations.AddField(
            model_name='click',
            name='consent_said_at',
            field=models.DateTimeField(blank=True, help_text='When the newest answer was given on a page, by the clock of the browser.', null=True),
        ),
        migrations.AddField(
            model_name='consentrecord',
            name='was_overtaken',
            field=models.BooleanField(default=False, help_text='The visitor had given a newer answer, which came first: this one was not put in force.', verbose_name='overtaken'),
        ),
    ]
