#!/usr/bin/env python
import os
import select
import signal
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from trackingsite.environment import create_state

ENOUGH_WAS_READ = 128 + signal.SIGPIPE  # what shells know of other commands that `head` has cut off


def main() -> None:
    """Run a command; a broken setting is a sentence, not a traceback, and whoever stops reading gets neither."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "trackingsite.settings")
    try:
        if sys.argv[1:2] == ["quickstart"]:
            create_state()  # settings need the secrets that a first quickstart generates
        try:
            execute_from_command_line(sys.argv)
        finally:
            sys.stdout.flush()
    except ImproperlyConfigured as error:
        sys.exit(f"A setting is wrong. {error}")
    except BrokenPipeError:
        if not is_unread():
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains of it as it ends
        sys.exit(ENOUGH_WAS_READ)


def is_unread() -> bool:
    """Whether it is our own output that nobody reads on; a connection breaks with the same error."""
    watch = select.poll()
    watch.register(sys.stdout.fileno(), select.POLLOUT)
    return any(events & select.POLLERR for _, events in watch.poll(0))


if __name__ == "__main__":
    main()
