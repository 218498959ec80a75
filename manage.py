#!/usr/bin/env python3
"""Run a management command."""

import os
import sys
from importlib import import_module

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
    try:
        # Whatever the command: a wrong setting is told in one line, before anything starts.
        import_module("crm.settings")
    except ImproperlyConfigured as error:
        sys.exit(f"A setting is wrong. {error}")
    if sys.argv[1:2] == ["up"] and not {"-h", "--help"} & set(sys.argv):
        # The servers start while Django loads.
        import_module("crm.operations.early").begin()
    execute_from_command_line(sys.argv)
