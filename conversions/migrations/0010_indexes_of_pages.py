from django.db import migrations, models

from conversions.indexing import AddIndexMeanwhile, RemoveIndexMeanwhile


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ('conversions', '0009_pages_and_consent'),
    ]

    operations = [
        RemoveIndexMeanwhile(
            model_name='click',
            name='click_with_visitor',
        ),
        AddIndexMeanwhile(
            model_name='click',
            index=models.Index(condition=models.Q(('ip__isnull', False), models.Q(('user_agent', ''), _negated=True), models.Q(('email_sha256', ''), _negated=True), models.Q(('phone_sha256', ''), _negated=True), models.Q(('external_id_sha256', ''), _negated=True), _connector='OR'), fields=['id'], name='click_with_visitor'),
        ),
        AddIndexMeanwhile(
            model_name='click',
            index=models.Index(condition=models.Q(('email_sha256', ''), _negated=True), fields=['email_sha256'], name='click_by_email'),
        ),
        AddIndexMeanwhile(
            model_name='click',
            index=models.Index(condition=models.Q(('phone_sha256', ''), _negated=True), fields=['phone_sha256'], name='click_by_phone'),
        ),
        AddIndexMeanwhile(
            model_name='click',
            index=models.Index(condition=models.Q(('external_id_sha256', ''), _negated=True), fields=['external_id_sha256'], name='click_by_external_id'),
        ),
        AddIndexMeanwhile(
            model_name='click',
            index=models.Index(condition=models.Q(('erased_at__isnull', False)), fields=['erased_at'], name='click_erased'),
        ),
        AddIndexMeanwhile(
            model_name='conversion',
            index=models.Index(fields=['offer', '-created_at'], name='conversion_newest_of_offer'),
        ),
        AddIndexMeanwhile(
            model_name='conversion',
            index=models.Index(condition=models.Q(('email_sha256', ''), _negated=True), fields=['email_sha256'], name='conversion_by_email'),
        ),
        AddIndexMeanwhile(
            model_name='conversion',
            index=models.Index(condition=models.Q(('phone_sha256', ''), _negated=True), fields=['phone_sha256'], name='conversion_by_phone'),
        ),
        AddIndexMeanwhile(
            model_name='conversion',
            index=models.Index(condition=models.Q(models.Q(('email_sha256', ''), _negated=True), models.Q(('phone_sha256', ''), _negated=True), _connector='OR'), fields=['id'], name='conversion_with_digest'),
        ),
        AddIndexMeanwhile(
            model_name='postback',
            index=models.Index(condition=models.Q(('email_sha256', ''), _negated=True), fields=['email_sha256'], name='postback_by_email'),
        ),
        AddIndexMeanwhile(
            model_name='postback',
            index=models.Index(condition=models.Q(('phone_sha256', ''), _negated=True), fields=['phone_sha256'], name='postback_by_phone'),
        ),
        AddIndexMeanwhile(
            model_name='uploadrow',
            index=models.Index(condition=models.Q(('click_ref', ''), _negated=True), fields=['click_ref'], name='upload_row_of_click'),
        ),
        AddIndexMeanwhile(
            model_name='uploadrow',
            index=models.Index(condition=models.Q(('email_sha256', ''), _negated=True), fields=['email_sha256'], name='upload_row_by_email'),
        ),
        AddIndexMeanwhile(
            model_name='uploadrow',
            index=models.Index(condition=models.Q(('phone_sha256', ''), _negated=True), fields=['phone_sha256'], name='upload_row_by_phone'),
        ),
    ]
