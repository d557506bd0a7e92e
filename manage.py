#!/usr/bin/env python
import os
import sys

from django.core.management import execute_from_command_line

from trackingsite.environment import create_state

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "trackingsite.settings")
    if sys.argv[1:2] == ["quickstart"]:
        create_state()  # settings need the secrets that a first quickstart generates
    execute_from_command_line(sys.argv)
