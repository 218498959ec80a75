"""The words of the interface: gathered from the code, kept in ``locale/<language>``, compiled by the build.

All with Babel, so that neither the build nor the tests need the gettext tools on the machine.
"""

import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import NamedTemporaryFile

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

KEYWORDS = {
    "_": None, "gettext": None, "gettext_lazy": None, "gettext_noop": None,
    "ngettext": (1, 2), "ngettext_lazy": (1, 2), "pgettext": ((1, "c"), 2), "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3), "npgettext_lazy": ((1, "c"), 2, 3),
}
LINE = 100
HEADER = r"""# The words of Rapport. `manage.py words` keeps this file in line with the code.
msgid ""
msgstr ""
"Language: {language}\n"
"Plural-Forms: {plural}\n"
"MIME-Version: 1.0\n"
"Content-Type: text/plain; charset=utf-8\n"
"Content-Transfer-Encoding: 8bit\n"

"""


def gather(root: Path, packages: Iterable[str]) -> Catalog:
    """Return every message that the code and the templates of ``packages`` can say, with where it stands."""
    catalog = Catalog(charset="utf-8")
    for path in _sources(root, packages):
        text = path.read_text(encoding="utf-8")
        if path.suffix != ".py":
            # What is left of a template is Python calls amid blanks; lines begin anywhere, as Python's may not.
            text = "\n".join(line.strip() for line in templatize(text).splitlines())
        found = extract("python", io.BytesIO(text.encode()), keywords=KEYWORDS, comment_tags=("Translators:",))
        for _line, message, comments, context in found:
            catalog.add(message, locations=[(str(path.relative_to(root)), 1)], auto_comments=comments, context=context)
    return catalog


def update(root: Path, packages: Iterable[str], language: str) -> Catalog:
    """Bring the file of a language in line with the code: new messages empty, gone ones away, others as they are."""
    path = source(root, language)
    known = read(path, language) if path.is_file() else Catalog(locale=language, charset="utf-8")
    fresh = Catalog(locale=language, charset="utf-8")
    for message in gather(root, packages):
        if message.id:
            old = known.get(message.id, message.context)
            fresh.add(
                message.id, old.string if old and _same_shape(old, message) else None, locations=message.locations,
                auto_comments=message.auto_comments, context=message.context, flags=message.flags,
            )
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(HEADER.format(language=language, plural=fresh.plural_forms).encode())
        write_po(file, fresh, width=LINE, sort_by_file=True, include_lineno=False, omit_header=True, ignore_obsolete=True)
    return fresh


def compile_all(root: Path) -> list[Path]:
    """Compile each ``django.po`` for gettext; return what was written. Whoever reads meanwhile finds the old file or the new one."""
    written = []
    for path in sources(root):
        target = path.with_suffix(".mo")
        with NamedTemporaryFile(dir=target.parent, delete=False) as file:
            write_mo(file, read(path, path.parts[-3]))
        Path(file.name).chmod(0o644)
        Path(file.name).replace(target)
        written.append(target)
    return written


def missing(catalog: Catalog) -> list[Message]:
    """Return the messages that have no words, or not for every number, in the language of the catalog."""
    return [m for m in catalog if m.id and not all(m.string if isinstance(m.string, tuple | list) else (m.string,))]


def read(path: Path, language: str) -> Catalog:
    """Return the messages of a file."""
    with path.open("rb") as file:
        return read_po(file, locale=language, charset="utf-8")


def source(root: Path, language: str) -> Path:
    """Return where the words of a language are kept."""
    return root / "locale" / language / "LC_MESSAGES" / "django.po"


def sources(root: Path) -> list[Path]:
    """Return the files of all languages."""
    return sorted((root / "locale").glob("*/LC_MESSAGES/django.po"))


def _sources(root: Path, packages: Iterable[str]) -> Iterator[Path]:
    yield from sorted(p for p in (root / "templates").rglob("*") if p.suffix in (".html", ".txt"))
    for name in sorted(packages):
        for path in sorted((root / name).rglob("*.py")):
            if not {"tests", "migrations", "testing"} & set(path.relative_to(root).parts):
                yield path


def _same_shape(old: Message, new: Message) -> bool:
    return isinstance(old.id, tuple | list) == isinstance(new.id, tuple | list)
