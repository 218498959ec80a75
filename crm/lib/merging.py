"""Merging two edits of one text: what each changed is kept, unless both changed the same words."""

import re
from difflib import SequenceMatcher

_PIECES = re.compile(r"\s*\S+|\s+$")
MOST = 20_000
"""So many pieces are compared; a longer text is not merged."""

Edit = tuple[int, int, list[str]]


def merge_texts(base: str, mine: str, theirs: str) -> str | None:
    """Return ``base`` with both edits; None where they touch the same words."""
    if mine == theirs or theirs == base:
        return mine
    if mine == base:
        return theirs
    words = _PIECES.findall(base)
    if len(words) > MOST:
        return None
    one, other = _edits(words, _PIECES.findall(mine)), _edits(words, _PIECES.findall(theirs))
    made: list[str] = []
    at, last = 0, -1
    for start, end, new in sorted({(s, e, tuple(n)) for s, e, n in (*one, *other)}):
        if start <= last:
            return None
        made += [*words[at:start], *new]
        at = last = end
    return "".join([*made, *words[at:]])


def _edits(base: list[str], changed: list[str]) -> list[Edit]:
    found = SequenceMatcher(None, base, changed, autojunk=False).get_opcodes()
    return [(i1, i2, changed[j1:j2]) for tag, i1, i2, j1, j2 in found if tag != "equal"]
