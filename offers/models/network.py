import hmac
import ipaddress
import secrets
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models

from offers.encryption import SecretField
from offers.formats import FORMATS, Format, format_choices
from offers.vocabulary import CURRENCIES

SECRET_BYTES = 24
ROTATION_OVERLAP = timedelta(hours=24)
WORD_LENGTH = 60  # of a status word, as a postback keeps it
SLUG_HELP = "Part of public links, so it should not change once links are in use."


class PostbackStatus(models.TextChoices):
    """What a network can say of a conversion, in our words."""

    PENDING = "pending", "Pending"
    APPROVED = "approved", "Approved"
    REJECTED = "rejected", "Rejected"
    REFUNDED = "refunded", "Refunded"
    PARTIAL = "partial", "Refunded in part"
    CHARGEBACK = "chargeback", "Chargeback"
    REBILL = "rebill", "Rebill: a further payment of a subscription"
    UPSELL = "upsell", "Upsell: a further sale to the same buyer"
    CORRECTION = "correction", "Correction: an amount to add or, when negative, to take off"
    IGNORED = "ignored", "Says nothing about money"
    TEST = "test", "A test, which counts nowhere"


def validate_currency(code: str) -> None:
    """Raises ValidationError for a currency that TikTok does not take."""
    if code and code not in CURRENCIES:
        raise ValidationError(
            f"{code} is not a currency that TikTok takes. Use a three-letter code such as USD or EUR."
        )


def new_secret() -> str:
    """192 bits from the CSPRNG, URL-safe."""
    return secrets.token_urlsafe(SECRET_BYTES)


class NetworkQuerySet(models.QuerySet["Network"]):
    def live(self) -> "NetworkQuerySet":
        """Networks whose postbacks are taken."""
        return self.filter(is_active=True)


class Network(models.Model):
    """An affiliate network: how it reports conversions and how we know that it is the one speaking."""

    class DuplicateMode(models.TextChoices):
        IGNORE = "ignore", "Ignore the repetition"
        UPDATE = "update", "Take over changed amounts as a correction"
        COUNT = "count", "Count each one as a conversion of its own"

    name = models.CharField(max_length=100)
    slug = models.SlugField(max_length=50, unique=True, help_text=SLUG_HELP)
    adapter = models.CharField(
        "format",
        max_length=20,
        choices=format_choices,
        default="generic",
        help_text="Which postbacks this network sends. Choosing one fills in what is usual for it.",
    )
    default_currency = models.CharField(
        max_length=3,
        default="USD",
        validators=[validate_currency],
        help_text="Used when a postback names no currency.",
    )
    default_region = models.CharField(
        max_length=2,
        blank=True,
        validators=[RegexValidator(r"^[A-Z]{2}$", "Use a two-letter country code such as US.")],
        help_text="Two-letter country code. It completes phone numbers that arrive without a country prefix.",
    )
    duplicate_mode = models.CharField(
        max_length=10,
        choices=DuplicateMode,
        default=DuplicateMode.IGNORE,
        help_text="What a postback with an already known transaction id and event does.",
    )
    status_map = models.JSONField(
        default=dict,
        blank=True,
        help_text='The network\'s own status words, for example {"1": "approved", "trash": "rejected"}. Upper and '
        "lower case do not matter. Usual words (approved, sale, pending, declined, refund, …) are known already.",
    )
    macros = models.JSONField(
        default=dict,
        blank=True,
        help_text="What stands in the postback URL: our parameter and the network's own macro.",
    )
    parameter_names = models.JSONField(
        default=dict,
        blank=True,
        help_text="Only where the network calls with names of its own: our parameter and the network's name for it.",
    )
    link_parameter = models.CharField(
        "offer link's parameter",
        max_length=60,
        blank=True,
        default="",
        db_default="",
        help_text="The parameter of this network's offer links that carries our click id, such as aff_sub or s2.",
    )
    reply = models.CharField(
        max_length=100,
        default="OK",
        db_default="OK",
        help_text="What is answered to a postback that was taken. Some networks repeat it until they read their word.",
    )
    silence_hours = models.PositiveSmallIntegerField(
        "warn after hours of silence",
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="The first page warns when nothing came from this network for so many hours. Empty means: for six "
        "hours in which it usually calls.",
    )
    heard_at = models.DateTimeField("last heard", null=True, blank=True, editable=False)
    turned_away_at = models.DateTimeField("last called with a wrong secret", null=True, blank=True, editable=False)
    signing_key = SecretField(blank=True, default="", db_default="")
    previous_signing_key = SecretField(blank=True, default="", db_default="")
    signing_key_set_at = models.DateTimeField(null=True, blank=True, editable=False)
    allowed_ips = models.TextField(
        "allowed IP addresses",
        blank=True,
        help_text="One address or range (203.0.113.0/24) a line. Empty means that the secret alone decides.",
    )
    is_active = models.BooleanField("active", default=True, help_text="Postbacks of an inactive network get a 404.")
    secret = SecretField(default=new_secret)
    previous_secret = SecretField(blank=True)
    previous_secret_expires_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = NetworkQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        permissions = [
            ("rotate_network_secret", "Can rotate a network's postback secret"),
            ("view_network_secret", "Can see a network's postback address with its secret"),
            ("change_network_key", "Can set the key that a network signs with"),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        self.allowed_ips = "\n".join(line.strip() for line in self.allowed_ips.splitlines() if line.strip())
        errors = {
            "status_map": status_map_error(self.status_map),
            "allowed_ips": allowed_ips_error(self.allowed_ips),
        }
        if any(errors.values()):
            raise ValidationError({field: message for field, message in errors.items() if message})

    def rotate_secret(self, now: datetime, overlap: timedelta = ROTATION_OVERLAP) -> None:
        """Make a new secret; the old one is still taken for `overlap`. Does not save."""
        self.previous_secret = self.secret
        self.previous_secret_expires_at = now + overlap
        self.secret = new_secret()

    def live_secrets(self, now: datetime) -> list[str]:
        """The clear secrets that are taken now, newest first. Raises SecretUnreadableError."""
        expires = self.previous_secret_expires_at
        overlap = bool(self.previous_secret and expires and expires > now)
        return [self.secret.reveal()] + ([self.previous_secret.reveal()] if overlap else [])

    @property
    def format(self) -> Format:
        """What is known of the format of its postbacks."""
        return FORMATS[self.adapter]

    def set_signing_key(self, key: str, now: datetime) -> None:
        """Sign with a new key; the one before it stays live until end_key_overlap(). Does not save."""
        self.previous_signing_key, self.signing_key, self.signing_key_set_at = self.signing_key, key, now

    def end_key_overlap(self) -> None:
        """Take the current signing key only. Does not save."""
        self.previous_signing_key = ""

    def live_keys(self) -> list[str]:
        """The clear signing keys that are taken now, newest first. Raises SecretUnreadableError."""
        return [key.reveal() for key in (self.signing_key, self.previous_signing_key) if key]

    def accepts_secret(self, given: str, now: datetime) -> bool:
        """Whether `given` is a live secret; takes the same time for any wrong one."""
        matches = [hmac.compare_digest(given.encode(), secret.encode()) for secret in self.live_secrets(now)]
        return any(matches)

    def accepts_ip(self, address: str | None) -> bool:
        """Whether the caller's address is allowed; any is while no list is kept."""
        ranges = [ipaddress.ip_network(line, strict=False) for line in self.allowed_ips.split()]
        if not ranges:
            return True
        return address is not None and any(ipaddress.ip_address(address) in allowed for allowed in ranges)

    def to_status(self, word: str) -> str:
        """The PostbackStatus that this network's own map gives `word`, or the empty string."""
        folded = {word_key(str(key)): value for key, value in self.status_map.items()}
        return str(folded.get(word_key(word), ""))


def word_key(word: str) -> str:
    """What two spellings of one status word have in common; of a long one, what is kept with its postback."""
    return word.strip()[:WORD_LENGTH].strip().casefold()


def status_map_error(status_map: object) -> str:
    """What is wrong with a status map; empty when nothing is."""
    if not isinstance(status_map, dict):
        return 'Write pairs of the network\'s word and our status, for example {"1": "approved"}.'
    unknown = [str(value) for value in status_map.values() if value not in PostbackStatus.values]
    return f"“{unknown[0]}” is not one of our statuses: {', '.join(PostbackStatus.values)}." if unknown else ""


def allowed_ips_error(text: str) -> str:
    """What is wrong with a list of addresses and ranges; empty when nothing is."""
    for line in text.split():
        try:
            ipaddress.ip_network(line, strict=False)
        except ValueError:
            return f"“{line}” is neither an IP address nor a range such as 203.0.113.0/24."
    return ""
