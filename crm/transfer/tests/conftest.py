"""Real files of other programs, and short ways to import them."""

import json
import os
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from crm.transfer.models import ImportRun
from crm.transfer.services import carry_out, check, receive, settle, suggest

EXAMPLES = settings.BASE_DIR / "docs" / "examples"
DATA = Path(os.environ.get("RAPPORT_DATA") or settings.BASE_DIR.parent / "shared" / "data")


@pytest.fixture(autouse=True)
def own_media(settings: Any, tmp_path: Path) -> None:
    """Keep uploaded files in the test's own folder."""
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def data() -> Path:
    """Return the folder of real files, or skip."""
    if not DATA.is_dir():
        pytest.skip(f"the folder of real files is missing ({DATA}); set RAPPORT_DATA")
    return DATA


def example(name: str) -> dict[str, Any]:
    """Return a mapping of ``docs/examples``."""
    found: dict[str, Any] = json.loads((EXAMPLES / f"{name}.json").read_text())
    return found


@pytest.fixture
def checked(admin: Any) -> Callable[..., ImportRun]:
    """Return a function that checks a file: a path, or text with a name."""

    def check_it(
        file: Path | str | bytes, entity: str, mapping: dict[str, Any] | None = None, *, name: str = "file.csv", actor: Any = None
    ) -> ImportRun:
        content = file.read_bytes() if isinstance(file, Path) else file.encode() if isinstance(file, str) else file
        actor = actor or admin
        run = receive(
            file=BytesIO(content), name=file.name if isinstance(file, Path) else name, of=entity, actor=actor,
            options=(mapping or {}).get("source"),
        )
        settle(run, mapping or {**suggest(run, actor).as_dict(), "rest": "note"}, actor)
        check(run, actor)
        return run

    return check_it


@pytest.fixture
def imported(admin: Any, checked: Callable[..., ImportRun]) -> Callable[..., ImportRun]:
    """Return a function that imports a file and holds the result against the check."""

    def import_it(*args: Any, actor: Any = None, **kwargs: Any) -> ImportRun:
        run = checked(*args, actor=actor, **kwargs)
        assert not run.report["blocked"], run.report
        promised = dict(run.report["counts"])
        carry_out(run, actor or admin)
        result = run.report["result"]
        assert {k: result[k] for k in promised} == promised
        return run

    return import_it
