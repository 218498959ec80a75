"""Taking a file in: stored under a name of ours, opened once to see what it is."""

import hashlib
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings
from django.core.files.base import File
from django.db import transaction
from django.utils.translation import gettext as _

from crm.access.policy import SYSTEM, policy_of, require
from crm.access.rights import rights_of
from crm.lib.errors import Denied, Invalid
from crm.lib.ids import uuid7
from crm.lib.text import clean_line, in_sentence
from crm.records.entity import Entity, all_entities
from crm.transfer.adapters import advice_for
from crm.transfer.engine.staging import drop_tables
from crm.transfer.mapping.guess import Statistics
from crm.transfer.mapping.kinds import likeliest
from crm.transfer.mapping.languages import plain
from crm.transfer.models import ImportRun
from crm.transfer.readers import Source, open_source

OPENED = ("encoding", "chosen", "delimiter", "header", "sheet", "part")
"""What was found out when the file was opened first, and holds whenever it is opened again."""


def importable(name: str) -> Entity:
    """Return an entity by its name or its plural, if files can be imported as it; else say what can be done."""
    wanted = name.strip().lower().replace(" ", "_")
    found = next((e for e in all_entities().values() if wanted in (e.name, e.plural, e.plural.replace("-", "_"))), None)
    if found is not None and "import" in found.abilities:
        return found
    advice = advice_for(wanted)
    names = ", ".join(sorted(e.name for e in all_entities().values() if "import" in e.abilities))
    message = _("Nothing can be imported as “%(name)s”; there are: %(names)s.") % {"name": name[:60], "names": names}
    raise Invalid.field("entity", f"{message} {advice}".strip())


def require_import(actor: Any, of: Entity) -> None:
    """Refuse who may not import records of an entity."""
    if actor is SYSTEM:
        return
    rights = rights_of(actor)
    if not rights.may("import", policy_of(of.model).entity):
        raise Denied(_("You may not import %(what)s.") % {"what": in_sentence(of.label_plural)})
    require(actor, "create", of.model)


def importable_by(actor: Any) -> list[Entity]:
    """Return what an actor may import."""
    found = [e for e in all_entities().values() if "import" in e.abilities]
    if actor is SYSTEM:
        return found
    rights = rights_of(actor)
    return [e for e in found if rights.may("import", policy_of(e.model).entity) and rights.may("create", policy_of(e.model).entity)]


def receive(*, file: BinaryIO, name: str, of: str, actor: Any, options: dict[str, Any] | None = None) -> ImportRun:
    """Store a file and open it; ``Invalid`` says why it cannot be read as a table.

    Without a word about what the rows are (``of``), the headers and the file's name tell.
    """
    if of:
        require_import(actor, importable(of))
    run = ImportRun(id=uuid7(), entity=importable(of).name if of else "", user=actor if getattr(actor, "pk", None) else None)
    run.file_name = clean_line(Path(name.replace("\\", "/")).name)[:255] or "file"
    digest, size = hashlib.sha256(), 0
    while block := file.read(1 << 20):
        digest.update(block)
        size += len(block)
        if size > settings.MAX_UPLOAD_BYTES:
            raise Invalid.field("file", _("The file is larger than %(limit)d MB.") % {"limit": settings.MAX_UPLOAD_BYTES // 1_000_000})
    file.seek(0)
    run.sha256, run.size = digest.hexdigest(), size
    # The stored name is made here; what the sender called the file is only shown.
    run.file.save(f"imports/{run.pk}", File(file), save=False)
    try:
        source = reopen(run, options)
        run.source = {"part": "", **(options or {}), **source.describe()}
        if not of:
            run.entity = _told_by(source, run.file_name, actor).name
    except Invalid:
        run.file.delete(save=False)
        raise
    with transaction.atomic():
        run.save(force_insert=True)
    return run


def open_another_way(run: ImportRun, actor: Any, *, of: str, options: dict[str, Any]) -> None:
    """Read a stored file anew: what the rows are, and how cells are told apart; what was settled before is forgotten."""
    declared = importable(of)
    require_import(actor, declared)
    source = reopen(run, options)
    drop_tables(run)
    run.entity, run.source = declared.name, {"part": "", **options, **source.describe()}
    run.mapping, run.report, run.staged_at, run.planned_at, run.error = {}, {}, None, None, ""
    run.state = ImportRun.State.UPLOADED
    run.save()


def reopen(run: ImportRun, options: dict[str, Any] | None = None) -> Source:
    """Open a run's stored file again, the way it was opened first (or another way)."""
    how = options if options is not None else {k: run.source[k] for k in OPENED if k in run.source}
    return open_source(Path(run.file.path), run.file_name, how)


def _told_by(source: Source, file_name: str, actor: Any) -> Entity:
    """Return what the rows of a file are; refuse to guess where nothing tells."""
    kinds = importable_by(actor)
    if not kinds:
        raise Denied(_("You may not import anything."))
    if advice := advice_for(plain(Path(file_name).stem)):
        raise Invalid.field("entity", advice)
    found = likeliest(kinds, source.headers, seen_in(source), file_name, actor)
    if found is None:
        names = ", ".join(sorted(k.name for k in kinds))
        raise Invalid.field("entity", _("Say what the rows are; the columns do not tell (%(headers)s). There are: %(names)s.") % {
            "headers": ", ".join(source.headers[:5])[:200], "names": names,
        })
    return found


def seen_in(source: Source, rows: int = 1_000) -> dict[str, Statistics]:
    """Return what the first rows say about each column."""
    filled, samples = [0] * len(source.headers), [[] for _h in source.headers]  # type: list[int], list[list[str]]
    for row in islice(source.rows(), rows):
        for index, cell in enumerate(row.cells[: len(source.headers)]):
            if cell.strip():
                filled[index] += 1
                if len(samples[index]) < 30 and len(cell) < 300:
                    samples[index].append(cell)
    return {h: Statistics(filled[i], samples[i]) for i, h in enumerate(source.headers)}
