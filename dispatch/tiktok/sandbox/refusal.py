"""The refusals that TikTok spells with a number in the body."""

import json

BAD_PIXEL = 40001
BAD_PARAMETER = 40002
NOT_EXIST = 40007
BAD_BATCH_SIZE = 40061
NOT_HASHED = 40062
BAD_PARTNER = 40063
NO_TOKEN = 40104
BAD_TOKEN = 40105
NO_ROUTE = 40400


class RefusedError(Exception):
    """The request breaks the contract; `code` is what TikTok's body would carry."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def bad(path: str, why: str, value: object = None) -> RefusedError:
    """A 40002 that echoes the offending value, as TikTok does (a sender must scrub it before logging)."""
    return RefusedError(BAD_PARAMETER, f"{path}: {why}{_echo(value)}")


def not_hashed(path: str, value: object) -> RefusedError:
    return RefusedError(NOT_HASHED, f"{path}: PII must be a lower-case hexadecimal SHA-256{_echo(value)}")


def _echo(value: object) -> str:
    return "" if value is None else f", got {json.dumps(value)[:200]}"
