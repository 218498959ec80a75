"""``manage.py drills [FD-01 …] [--quick]``: hurt an installation of its own, and see that it stands."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from crm.embedded.processes import end_group
from crm.operations.drills.outcome import Check, Outcome
from crm.operations.drills.registry import Drill, Script, Sizes, all_drills
from crm.operations.drills.report import Row, line, write
from crm.operations.drills.stand import Stand


class Command(BaseCommand):
    """Run fault drills, each with its control, and write docs/drills.md."""

    help = __doc__
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare which drills, how large, and where the table goes."""
        parser.add_argument("drills", nargs="*", metavar="FD-01", help="only these (all without)")
        parser.add_argument("--quick", action="store_true", help="smaller sizes and shorter faults")
        parser.add_argument("--no-write", action="store_true", help="leave docs/drills.md as it is")
        parser.add_argument("--no-control", action="store_true", help="skip the controls")
        parser.add_argument("--keep", action="store_true", help="keep the folder with the logs")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make a folder and a port of its own, and run there."""
        if settings.ENVIRONMENT != "drill":
            sys.exit(self.in_own_home(options["keep"]))
        known = all_drills()
        chosen = options["drills"] or list(known)
        unknown = [name for name in chosen if name not in known]
        if unknown:
            raise CommandError(f"There is no drill {', '.join(unknown)}; there are: {', '.join(known)}.")
        rows = self.run_all([known[name] for name in chosen], options)
        bad = [row.drill.id for row in rows if not row.fine]
        if bad:
            raise CommandError(f"Not as it should be: {', '.join(bad)}.")

    def in_own_home(self, keep: bool) -> int:
        """Run this command again, with settings of its own; remove afterwards what it left."""
        home = Path(tempfile.mkdtemp(prefix="rapport-drills-"))
        home.chmod(0o755)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        environment = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TZ", "CADDY")} | {
            "RAPPORT_ENV": "drill", "RAPPORT_HOME": str(home), "RAPPORT_DOTENV": "off", "PORT": str(port),
            "API_QUOTA_PER_MINUTE": "100000000", "LOG_LEVEL": "WARNING",
        }
        child = subprocess.Popen([sys.executable, *sys.argv], cwd=settings.BASE_DIR, env=environment)
        try:
            return child.wait()
        except KeyboardInterrupt:
            child.wait(120)
            return 130
        finally:
            end_group(child.pid, patience=5) if child.poll() is None else None
            if keep:
                self.stdout.write(f"The logs are in {home}/log.")
            else:
                shutil.rmtree(home, ignore_errors=True)

    def run_all(self, drills: list[Drill], options: dict[str, Any]) -> list[Row]:
        """Run each drill and its control on one stand."""
        began = time.monotonic()
        stand = Stand(settings.HOME, self.say)
        rows = []
        try:
            stand.open()
            self.say(f"The stand is ready after {time.monotonic() - began:.0f} s.")
            for found in drills:
                row = Row(found, attempt(found.run, stand, Sizes(quick=options["quick"]), ()))
                if not options["no_control"]:
                    script = found.control or found.run
                    row.control = attempt(script, stand, Sizes(quick=options["quick"], control=True), found.without)
                rows.append(row)
                self.say(line(row))
                if not options["no_write"]:
                    write([row], quick=options["quick"])
        finally:
            stand.close()
            for process in psutil.Process().children(recursive=True):
                process.kill()
        self.say(f"{len(rows)} drills in {(time.monotonic() - began) / 60:.1f} minutes.")
        return rows

    def say(self, text: str) -> None:
        """Print a line at once."""
        self.stdout.write(text)
        self.stdout.flush()


def attempt(script: Script, stand: Stand, sizes: Sizes, without: tuple[str, ...]) -> Outcome:
    """Run a script on a stand that is well; whatever it raises is a check that did not hold."""
    stand.rest()
    stand.change(without)
    began = time.monotonic()
    try:
        outcome = script(stand, sizes)
    except Exception as error:
        outcome = Outcome([Check("ran to its end", f"{type(error).__name__}: {error}"[:300], "", False)])
    outcome.seconds = time.monotonic() - began
    return outcome
