"""Taking a file in: stored under a name of ours, opened once to see what it is."""

import hashlib
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


def receive(*, file: BinaryIO, name: str, of: str, actor: Any, options: dict[str, Any] | None = None) -> ImportRun:
    """Store a file and open it; ``Invalid`` says why it cannot be read as a table."""
    declared = importable(of)
    require_import(actor, declared)
    run = ImportRun(id=uuid7(), entity=declared.name, user=actor if getattr(actor, "pk", None) else None)
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
        run.source = {"part": "", **(options or {}), **reopen(run, options).describe()}
    except Invalid:
        run.file.delete(save=False)
        raise
    with transaction.atomic():
        run.save(force_insert=True)
    return run


def reopen(run: ImportRun, options: dict[str, Any] | None = None) -> Source:
    """Open a run's stored file again, the way it was opened first (or another way)."""
    how = options if options is not None else {k: run.source[k] for k in OPENED if k in run.source}
    return open_source(Path(run.file.path), run.file_name, how)


