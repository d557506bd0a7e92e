#!/usr/bin/env python
import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from trackingsite.environment import create_state


def main() -> None:
    """Run a command; a broken setting is a sentence, not a traceback."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "trackingsite.settings")
    try:
        if sys.argv[1:2] == ["quickstart"]:
            create_state()  # settings need the secrets that a first quickstart generates
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"A setting is wrong. {error}")


if __name__ == "__main__":
    main()
