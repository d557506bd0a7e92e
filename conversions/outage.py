"""A database that is away, told from a fault of ours."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import Error, InterfaceError, InternalError, OperationalError, connection

READ_ONLY = "25006"


def is_outage(error: Exception) -> bool:
    """Whether a later try can succeed without anybody changing the site."""
    return isinstance(error, OperationalError | InterfaceError) or is_read_only(error)


def is_read_only(error: Exception) -> bool:
    """Whether PostgreSQL takes no writes there, as the standby that was the primary a moment ago."""
    return isinstance(error, InternalError) and getattr(error.__cause__, "sqlstate", "") == READ_ONLY


@contextmanager
def leaving_a_standby() -> Iterator[None]:
    """Have whoever comes next connect anew when the database takes no writes: that may lead to the new primary."""
    try:
        yield
    except Error as error:
        if is_read_only(error) and not connection.in_atomic_block:
            connection.close()
        raise
