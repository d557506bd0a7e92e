"""Secrets at rest: AES-256-GCM under FIELD_ENCRYPTION_KEYS, apart from SECRET_KEY.

The first key encrypts, all decrypt. A stored value is `k<key id>:<base64 of nonce + ciphertext>`; the model and field
are bound as associated data, so that a value copied into another column does not decrypt.
"""

import base64
import binascii
import hashlib
import os
import re
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

if TYPE_CHECKING:
    TextField = models.TextField[Any, Any]  # only the type checker knows fields as generic
else:
    TextField = models.TextField

NONCE_BYTES = 12
SEALED = re.compile(r"k[0-9a-f]{8}:[A-Za-z0-9+/]+={0,2}")


class SecretUnreadableError(Exception):
    """No configured key decrypts the stored value: a key is missing, or the row was tampered with."""


class Secret:
    """An encrypted value that never prints itself; `reveal()` is the one way to the clear text."""

    def __init__(self, stored: str, context: str) -> None:
        self.stored = stored
        self.context = context

    def reveal(self) -> str:
        """The clear text. Raises SecretUnreadableError; never returns ciphertext."""
        key_id, _, body = self.stored.partition(":")
        key = field_keys().get(key_id)
        if key is None:
            raise SecretUnreadableError(f"FIELD_ENCRYPTION_KEYS lacks the key {key_id} that this secret needs.")
        return decrypt(key, body, self.context)

    def __bool__(self) -> bool:
        return bool(self.stored)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other.stored == self.stored

    def __hash__(self) -> int:
        return hash(self.stored)

    def __str__(self) -> str:
        return "••••••••" if self.stored else ""

    __repr__ = __str__


class SecretField(TextField):
    """A text column that holds a Secret. Assign clear text as a str; reading gives a Secret."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["editable"] = False
        super().__init__(*args, **kwargs)

    def contribute_to_class(self, cls: type[models.Model], name: str, private_only: bool = False) -> None:
        super().contribute_to_class(cls, name, private_only)
        setattr(cls, name, SealingAttribute(name, f"{cls._meta.app_label}.{cls.__name__}.{name}"))

    @property
    def context(self) -> str:
        return f"{self.model._meta.app_label}.{self.model.__name__}.{self.name}"

    def to_python(self, value: Any) -> Any:
        """A Secret stays itself (full_clean() comes by here), and what dumpdata wrote becomes one again."""
        if isinstance(value, Secret):
            return value
        return Secret(value, self.context) if SEALED.fullmatch(value or "") else super().to_python(value)

    def get_prep_value(self, value: Any) -> str:
        """What is stored. Clear text comes here from QuerySet.update() only, past the sealing attribute."""
        sealed = value if isinstance(value, Secret) else seal(value or "", self.context)
        return sealed.stored

    def value_to_string(self, obj: models.Model) -> str:
        return self.get_prep_value(self.value_from_object(obj))

    def from_db_value(self, value: str | None, expression: Any, connection: BaseDatabaseWrapper) -> Any:
        return Secret(value or "", self.context)


class SealingAttribute:
    """Encrypts clear text the moment it is assigned, so that no instance ever holds it."""

    def __init__(self, name: str, context: str) -> None:
        self.name = name
        self.context = context

    def __get__(self, instance: models.Model | None, owner: type[models.Model]) -> Any:
        if instance is None:
            return self
        if self.name not in instance.__dict__:
            instance.refresh_from_db(fields=[self.name])  # deferred by only() or defer()
        return instance.__dict__[self.name]

    def __set__(self, instance: models.Model, value: "Secret | str | None") -> None:
        if not isinstance(value, Secret):
            value = seal(value or "", self.context)
        elif value.context != self.context:
            value = seal(value.reveal() if value else "", self.context)  # moved here from another column
        instance.__dict__[self.name] = value


def seal(clear: str, context: str) -> Secret:
    """Encrypt under the first key. The empty string stays empty: nothing to hide, and it reads as unset."""
    if not clear:
        return Secret("", context)
    key_id, key = next(iter(field_keys().items()))
    nonce = os.urandom(NONCE_BYTES)
    body = nonce + AESGCM(key).encrypt(nonce, clear.encode(), context.encode())
    return Secret(f"{key_id}:{base64.b64encode(body).decode()}", context)


def decrypt(key: bytes, body: str, context: str) -> str:
    """Raises SecretUnreadableError when key, context or ciphertext do not belong together."""
    try:
        raw = base64.b64decode(body, validate=True)
        return AESGCM(key).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], context.encode()).decode()
    except (InvalidTag, ValueError, binascii.Error) as error:
        raise SecretUnreadableError("The stored secret does not decrypt; it was altered or moved.") from error


def field_keys() -> dict[str, bytes]:
    """Configured keys by id, in order. Raises SecretUnreadableError when none is configured."""
    if not settings.FIELD_ENCRYPTION_KEYS:
        raise SecretUnreadableError("FIELD_ENCRYPTION_KEYS is empty.")
    keys = [base64.urlsafe_b64decode(text) for text in settings.FIELD_ENCRYPTION_KEYS]
    return {"k" + hashlib.sha256(key).hexdigest()[:8]: key for key in keys}
