from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q

from conversions.models.conversion import Conversion
from conversions.models.postback import Postback
from conversions.outcomes import Outcome
from offers.encryption import SecretField
from offers.models import Network, Offer


class UploadQuerySet(models.QuerySet["Upload"]):
    def unfinished(self) -> "UploadQuerySet":
        """Uploads that a worker has something to do for, the one first that has waited longest."""
        return self.filter(state__in=WORKING).order_by("worked_at", "pk")

    def without_content(self) -> "UploadQuerySet":
        """Without the file, which may have megabytes."""
        return self.defer("content")


class Upload(models.Model):
    """One file that a person brought in: conversions to import, or a network's report to compare with."""

    class Purpose(models.TextChoices):
        IMPORT = "import", "Import conversions"
        RECONCILE = "reconcile", "Compare a network's report with what is recorded here"

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting to be read"
        READING = "reading", "Being read"
        COLUMNS = "columns", "Needs your help with its columns"
        CHECKING = "checking", "Being checked"
        COMPARING = "comparing", "Looking for what the report lacks"
        CHECKED = "checked", "Ready for you to look at"
        CREATING = "creating", "Being recorded"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    class DateOrder(models.TextChoices):
        UNKNOWN = "", "As the file shows"
        DAY = "day", "Day first: 31/12/2026"
        MONTH = "month", "Month first: 12/31/2026"

    network = models.ForeignKey(Network, models.PROTECT, related_name="uploads")
    offer = models.ForeignKey(Offer, models.PROTECT, null=True, blank=True, related_name="uploads")
    purpose = models.CharField(max_length=9, choices=Purpose, default=Purpose.IMPORT)
    file_name = models.CharField("file", max_length=200)
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name="uploaded by"
    )
    created_at = models.DateTimeField("uploaded")
    finished_at = models.DateTimeField(null=True, blank=True)
    worked_at = models.DateTimeField(help_text="When a worker last took a turn at it.")
    period_from = models.DateField(null=True, blank=True)
    period_to = models.DateField(null=True, blank=True)

    state = models.CharField(max_length=9, choices=State, default=State.WAITING)
    detail = models.CharField(max_length=500, blank=True)
    rows_total = models.PositiveIntegerField("rows", default=0)
    rows_done = models.PositiveIntegerField(default=0)
    turns = models.PositiveSmallIntegerField(default=0, help_text="Turns in a row that brought nothing.")
    headings = models.JSONField(default=list, help_text="The file's headings.")
    columns = models.JSONField(default=dict, help_text="Our field and the number of the column that it is read from.")
    asks_columns = models.BooleanField(default=False)
    is_rechecked = models.BooleanField(default=False)
    date_order = models.CharField(max_length=5, choices=DateOrder, blank=True, default=DateOrder.UNKNOWN)
    content = SecretField(blank=True, help_text="The file, encrypted, until it was read.")

    objects = UploadQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        permissions = [("import_upload", "Can create conversions from an upload")]
        indexes = [
            # Used by UploadQuerySet.unfinished(), once a second.
            models.Index(
                fields=["worked_at"],
                name="upload_unfinished",
                condition=Q(state__in=["waiting", "reading", "checking", "comparing", "creating"]),
            ),
        ]

    def __str__(self) -> str:
        return self.file_name

    @property
    def is_working(self) -> bool:
        """Whether a worker has something to do for it."""
        return self.state in WORKING

    @property
    def is_report(self) -> bool:
        """Whether it is compared with what is recorded here, instead of being imported."""
        return self.purpose == self.Purpose.RECONCILE

    def enter(self, state: str, now: datetime, detail: str = "") -> None:
        """Go on to a state. What has an end forgets the file. Does not save."""
        self.state, self.detail, self.worked_at, self.rows_done, self.turns = state, detail[:500], now, 0, 0
        if state in (self.State.DONE, self.State.FAILED):
            self.finished_at = now
        if state in (self.State.CHECKING, self.State.FAILED):
            self.content = ""


WORKING = [
    Upload.State.WAITING,
    Upload.State.READING,
    Upload.State.CHECKING,
    Upload.State.COMPARING,
    Upload.State.CREATING,
]


class UploadRowQuerySet(models.QuerySet["UploadRow"]):
    def unchecked(self) -> "UploadRowQuerySet":
        """Rows without a verdict, in the order of the file."""
        return self.filter(verdict="").order_by("number")

    def creatable(self) -> "UploadRowQuerySet":
        """Rows that would change something here and were not brought in yet."""
        return self.filter(outcome__in=CHANGING, postback=None)

    def to_create(self) -> "UploadRowQuerySet":
        """Rows that a person has chosen and that wait to be brought in."""
        return self.creatable().filter(is_chosen=True).order_by("number")


class UploadRow(models.Model):
    """One row of an upload: what it says, what it would lead to, and what it has led to.

    `outcome` is what the digest made of it when it was tried; `verdict` is what people sort by.
    """

    class Verdict(models.TextChoices):
        RECORDED = "recorded", "Would be recorded"
        UPDATED = "updated", "Updates a conversion"
        DUPLICATE = "duplicate", "Known already"
        REFUSED = "refused", "Refused"
        MATCHED = "matched", "Matches"
        MISSING_HERE = "missing_here", "Missing here"
        MISSING_THERE = "missing_there", "Missing in the report"
        OTHER_AMOUNT = "other_amount", "Different amount"
        OTHER_STATUS = "other_status", "Different status"

    upload = models.ForeignKey(Upload, models.CASCADE, related_name="rows")
    number = models.PositiveIntegerField("row")
    params = models.JSONField(default=dict, help_text="What the row says by our names; e-mail and phone are hidden.")
    email_sha256 = models.CharField(max_length=64, blank=True)
    phone_sha256 = models.CharField(max_length=64, blank=True)
    click_ref = models.CharField("click id", max_length=100, blank=True)
    transaction_id = models.CharField(max_length=200, blank=True)
    payout = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)

    verdict = models.CharField(max_length=13, choices=Verdict, blank=True)
    outcome = models.CharField(max_length=20, choices=Outcome, blank=True)
    detail = models.CharField(max_length=500, blank=True)
    conversion = models.ForeignKey(Conversion, models.SET_NULL, null=True, blank=True, related_name="+")
    postback = models.ForeignKey(Postback, models.SET_NULL, null=True, blank=True, related_name="upload_rows")
    is_chosen = models.BooleanField(default=False)

    objects = UploadRowQuerySet.as_manager()

    class Meta:
        ordering = ["number"]
        default_permissions = ()
        constraints = [
            # Two workers may read one file at once; a row is kept once.
            models.UniqueConstraint(fields=["upload", "number"], name="one_row_per_number"),
        ]
        indexes = [
            # Used by the preview, which counts and filters by verdict, and by the check, which takes the empty ones.
            models.Index(fields=["upload", "verdict", "number"], name="upload_row_by_verdict"),
            # Used by the check, which reads a row beside the others of its transaction and of its click.
            models.Index(
                fields=["upload", "transaction_id"], name="upload_row_by_transaction", condition=~Q(transaction_id="")
            ),
            models.Index(fields=["upload", "click_ref"], name="upload_row_by_click", condition=~Q(click_ref="")),
            # Used by erasures, which find the rows that name a person, in whichever file.
            models.Index(fields=["click_ref"], name="upload_row_of_click", condition=~Q(click_ref="")),
            models.Index(fields=["email_sha256"], name="upload_row_by_email", condition=~Q(email_sha256="")),
            models.Index(fields=["phone_sha256"], name="upload_row_by_phone", condition=~Q(phone_sha256="")),
        ]

    def __str__(self) -> str:
        return f"Row {self.number}"


CHANGING = [Outcome.RECORDED, Outcome.UPDATED]
