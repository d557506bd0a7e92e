import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('conversions', '0008_export_permissions'),
        ('offers', '0005_pages_and_consent'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='ConsentRecord',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('state', models.CharField(choices=[('unknown', 'Not asked yet'), ('granted', 'Granted'), ('denied', 'Denied'), ('withdrawn', 'Withdrawn')], max_length=9, verbose_name='answer')),
                ('source', models.CharField(help_text='Who told us: the banner, a consent tool, a link, a person.', max_length=30)),
                ('was_required', models.BooleanField(help_text="Whether the offer's policy asked for it at that time.", verbose_name='required')),
                ('page_url', models.TextField(blank=True, verbose_name='page')),
                ('created_at', models.DateTimeField(verbose_name='answered')),
                ('click', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='consent_records', to='conversions.click')),
                ('offer', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='offers.offer')),
            ],
            options={
                'ordering': ['-created_at'],
                'permissions': [('export_consentrecord', 'Can export answers about consent')],
                'indexes': [
                    models.Index(fields=['-created_at'], name='consent_newest'),
                    models.Index(fields=['offer', '-created_at'], name='consent_newest_for_offer'),
                ],
            },
        ),
        migrations.CreateModel(
            name='Erasure',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('subject', models.CharField(choices=[('click', 'Click id'), ('email', 'E-mail'), ('phone', 'Phone number'), ('external_id', 'External id')], max_length=11, verbose_name='named by')),
                ('key', models.CharField(help_text='HMAC-SHA256 of the click id or digest, under a key that is not in the database.', max_length=64)),
                ('clicks', models.PositiveIntegerField(default=0)),
                ('conversions', models.PositiveIntegerField(default=0)),
                ('told_before', models.PositiveIntegerField(default=0, help_text="Events that TikTok had accepted already and that can't be called back.", verbose_name='told before')),
                ('created_at', models.DateTimeField(verbose_name='erased')),
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-id'],
                'permissions': [('erase_visitor', "Can erase a visitor's data")],
                'indexes': [
                    models.Index(fields=['key'], name='erasure_by_key'),
                ],
            },
        ),
        migrations.CreateModel(
            name='Sighting',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('outcome', models.CharField(choices=[('fired', 'Pixel fired'), ('blocked', 'Pixel blocked')], max_length=7)),
                ('detail', models.CharField(blank=True, max_length=100)),
                ('created_at', models.DateTimeField(verbose_name='seen')),
                ('conversion', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='sightings', to='conversions.conversion')),
            ],
            options={
                'ordering': ['id'],
                'constraints': [
                    models.UniqueConstraint(fields=('conversion', 'outcome'), name='one_sighting_of_each_outcome'),
                ],
            },
        ),
        migrations.CreateModel(
            name='StrangePage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('host', models.CharField(max_length=253)),
                ('calls', models.PositiveIntegerField(default=0)),
                ('first_at', models.DateTimeField(verbose_name='first seen')),
                ('last_at', models.DateTimeField(verbose_name='last seen')),
                ('offer', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='strange_pages', to='offers.offer')),
            ],
            options={
                'ordering': ['-last_at'],
                'constraints': [
                    models.UniqueConstraint(fields=('offer', 'host'), name='one_row_for_a_strange_host'),
                ],
            },
        ),
        migrations.AddField(
            model_name='click',
            name='capped_offer',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='offers.offer', verbose_name='sent on by'),
        ),
        migrations.AddField(
            model_name='click',
            name='consent_source',
            field=models.CharField(blank=True, db_default='', default='', max_length=30),
        ),
        migrations.AddField(
            model_name='click',
            name='country',
            field=models.CharField(blank=True, db_default='', default='', max_length=2),
        ),
        migrations.AddField(
            model_name='click',
            name='email_sha256',
            field=models.CharField(blank=True, db_default='', default='', max_length=64),
        ),
        migrations.AddField(
            model_name='click',
            name='erased_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='click',
            name='external_id_sha256',
            field=models.CharField(blank=True, db_default='', default='', max_length=64),
        ),
        migrations.AddField(
            model_name='click',
            name='phone_sha256',
            field=models.CharField(blank=True, db_default='', default='', max_length=64),
        ),
        migrations.AddField(
            model_name='click',
            name='region',
            field=models.CharField(blank=True, db_default='', default='', max_length=3),
        ),
        migrations.AddField(
            model_name='click',
            name='robot',
            field=models.CharField(blank=True, choices=[('bot', 'Bot'), ('prefetch', 'Prefetcher')], db_default='', default='', max_length=8),
        ),
        migrations.AddField(
            model_name='conversion',
            name='page_currency',
            field=models.CharField(blank=True, db_default='', default='', max_length=3),
        ),
        migrations.AddField(
            model_name='conversion',
            name='page_properties',
            field=models.JSONField(blank=True, null=True, verbose_name='what the page said'),
        ),
        migrations.AddField(
            model_name='conversion',
            name='page_value',
            field=models.DecimalField(blank=True, decimal_places=2, max_digits=14, null=True, verbose_name='value the page gave'),
        ),
    ]
