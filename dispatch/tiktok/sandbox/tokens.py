"""Access tokens: kept as a SHA-256 and four characters, never in clear."""

import hashlib
import sqlite3
from typing import Any

from dispatch.tiktok.sandbox.database import Database
from dispatch.tiktok.sandbox.refusal import BAD_PIXEL, BAD_TOKEN, NO_TOKEN, RefusedError

STATES = ("active", "revoked")
SHORTEST = 16
"""What a token must measure to be taken on sight."""


class Tokens:
    def __init__(self, database: Database, *, accept_any: bool) -> None:
        self._database = database
        self._accept_any = accept_any

    def register(self, pixel_code: str, token: str, state: str = "active") -> None:
        """One state a token, any number of pixels: a developer's token spans ad accounts."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO token (digest, last4, state) VALUES (?, ?, ?)"
                " ON CONFLICT (digest) DO UPDATE SET state = excluded.state",
                (_digest(token), last4(token), state),
            )
            _grant(connection, token, pixel_code)

    def set_state(self, row: int, state: str) -> bool:
        with self._database.transaction() as connection:
            done = connection.execute("UPDATE token SET state = ? WHERE id = ?", (state, row))
            return done.rowcount == 1

    def listed(self) -> list[dict[str, Any]]:
        return self._database.rows(
            "SELECT token.id, last4, state, group_concat(pixel_code, ' ') AS pixel_codes FROM token"
            " JOIN token_pixel ON token_pixel.token = token.id GROUP BY token.id ORDER BY token.id"
        )

    def authenticate(self, token: str) -> None:
        """Refuse what TikTok's gateway refuses before it reads the body."""
        if not token:
            raise RefusedError(NO_TOKEN, "Access token is empty: send it in the header Access-Token")
        if token.lower().startswith("bearer "):
            raise RefusedError(BAD_TOKEN, "Access token is incorrect: send it raw, without Bearer")
        state = self._state(token)
        if state == "revoked" or (state is None and not self._takes_on_sight(token)):
            raise RefusedError(BAD_TOKEN, "Access token is incorrect or has been revoked.")

    def authorise(self, token: str, pixel_code: str) -> None:
        """Refuse a pixel that is not the token's; a token taken on sight learns its pixel here."""
        was_known = self._state(token) is not None  # asked first: another request may be teaching it in this moment
        if self._may_use(token, pixel_code):
            return
        if was_known:
            raise RefusedError(BAD_PIXEL, f"No permission to operate event source {pixel_code[:64]}")
        self.register(pixel_code, token)

    def _takes_on_sight(self, token: str) -> bool:
        return self._accept_any and len(token) >= SHORTEST

    def _may_use(self, token: str, pixel_code: str) -> bool:
        sql = "SELECT 1 FROM token_pixel JOIN token ON token.id = token WHERE digest = ? AND pixel_code = ?"
        return bool(self._database.rows(sql, _digest(token), pixel_code))

    def _state(self, token: str) -> str | None:
        found = self._database.rows("SELECT state FROM token WHERE digest = ?", _digest(token))
        return found[0]["state"] if found else None


def last4(token: str) -> str:
    """Enough to tell tokens apart; nothing of a token so short that four characters would give it away."""
    return token[-4:] if len(token) >= SHORTEST else ""


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _grant(connection: sqlite3.Connection, token: str, pixel_code: str) -> None:
    connection.execute(
        "INSERT OR IGNORE INTO token_pixel (token, pixel_code) SELECT id, ? FROM token WHERE digest = ?",
        (pixel_code, _digest(token)),
    )
