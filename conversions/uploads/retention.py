"""What of uploads goes when it is old: their rows, then they themselves. Conversions that they brought stay."""

from django.db.models import Exists, OuterRef, Q

from conversions.models import Upload, UploadRow
from conversions.retention import Chore, Rows, delete


def upload_rows() -> Chore:
    """What the files said, as far as it was kept."""
    return Chore(UploadRow.objects.all(), "upload__created_at", Q(pk__in=[]), delete)


def uploads() -> Chore:
    """The uploads themselves, whatever state they were left in."""
    return Chore(Upload.objects.all(), "created_at", Q(pk__in=[]), delete_empty)


def delete_empty(rows: Rows) -> int:
    """Delete those whose rows are gone; the others would take up to 100,000 with them in one transaction."""
    has_rows = Exists(UploadRow.objects.filter(upload=OuterRef("pk")))
    return delete(rows.exclude(has_rows).only("pk"))
