"""Which encoding a text file is in: told by its mark, by its bytes, or by the likeliest reading."""

import codecs
import re
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any, TextIO

from charset_normalizer import from_bytes
from django.utils.translation import gettext as _

from crm.transfer.readers.base import SAMPLE, Unreadable

MIXED = "utf-8+cp1252"
"""Our name for UTF-8 into which some other program wrote single bytes of Windows-1252."""
_REPAIR = "crm.transfer.repair"
_MARKS = [
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
]
# In the order of how often they are met: of two equal readings the first is taken.
_SINGLE = [
    "cp1252", "iso8859_15", "mac_roman", "cp850", "cp1250", "iso8859_2", "cp1251", "koi8_r", "cp866", "cp1253", "cp1254", "cp1255", "cp1256",
    "cp1257", "mac_latin2",
]
_WIDE = ["shift_jis", "gb18030", "big5", "euc_kr", "euc_jp"]
# The letters beyond ASCII that languages are written with; together in one text they tell the encoding.
_ALPHABETS = [frozenset(letters + letters.upper()) for letters in (
    "äöüßé", "éèêëàâçîïôûùüœæ", "áéíóúñüç", "ãõáéíóúâêôçà", "àèéìòùî", "åäöæøéü", "áðéíóúýþæö", "ąćęłńóśźż", "áčďéěíňóřšťúůýžľĺŕôä",
    "áéíóöőúüű", "ăâîșțşţ", "çğıiöşüâ", "āčēģīķļņšūž", "ąčęėįšųūž", "čćđšž", "äöüõšž",
)]
_WESTERN = frozenset().union(*_ALPHABETS[:6])
_SIGNS = frozenset("€£°–—‘’“”„«»§©®™·…•¿¡ºª½¼¾²³µ×±´")
_NO_ENCODINGS = frozenset({"punycode", "idna", "undefined", "unicode_escape", "raw_unicode_escape", "unicode_internal", "utf_7", "utf7", "u7"})
"""What Python knows by the name of an encoding, and what no program writes a table in."""
_SIGNATURES = {
    b"%PDF": "PDF", b"\x89PNG": "PNG", b"\xff\xd8\xff": "JPEG", b"GIF8": "GIF", b"MZ": "Windows program",
    b"\x7fELF": "Linux program", b"PK\x03\x04": "ZIP", b"\x1f\x8b": "gzip", b"Rar!": "RAR", b"7z\xbc\xaf": "7-Zip",
    b"SQLite format 3": "SQLite", b"{\\rtf": "RTF",
}


def _plain_name(encoding: str) -> str:
    return encoding.lower().replace("-", "_").replace(" ", "_")


def _read_as_windows(error: UnicodeError) -> tuple[str, int]:
    """Read the bytes that are no UTF-8 as Windows-1252; what that does not know either stays a lone surrogate."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    found = error.object[error.start : error.end]
    try:
        return found.decode("cp1252"), error.end
    except UnicodeDecodeError:
        return found.decode("ascii", "surrogateescape"), error.end


codecs.register_error(_REPAIR, _read_as_windows)


def open_text(path: Path, encoding: str, *, strict: bool, newline: str | None = "") -> TextIO:
    """Open a file as text. Bytes that do not fit are told row by row, unless a person chose the encoding."""
    try:
        if _plain_name(encoding) in _NO_ENCODINGS or "\0" in encoding:
            raise LookupError(encoding)
        if encoding == MIXED:
            return path.open(encoding="utf-8", errors=_REPAIR, newline=newline)
        errors = "strict" if strict or encoding.lower().replace("_", "-").startswith(("utf-16", "utf-32")) else "surrogateescape"
        return path.open(encoding=encoding, errors=errors, newline=newline)
    except LookupError:
        raise Unreadable(_("There is no encoding called “%(name)s”.") % {"name": encoding}) from None


def undecodable(encoding: str, error: UnicodeDecodeError, row: int | None = None) -> Unreadable:
    """Return the refusal of a file that is not in the encoding it is read in."""
    where = _(" near row %(row)d") % {"row": row} if row else ""
    return Unreadable(
        _("The file is not valid %(encoding)s%(where)s (byte 0x%(byte)02x). Choose another encoding.")
        % {"encoding": encoding, "where": where, "byte": error.object[error.start]}, row=row,
    )


def refuse_binary(head: bytes) -> None:
    """Refuse a file whose first bytes say that it is no text, whatever its name."""
    for mark, name in _SIGNATURES.items():
        if head.startswith(mark):
            raise Unreadable(
                _("This is not a text table but %(kind)s content. Save it as CSV or XLSX.") % {"kind": name}
            )


def detect(path: Path) -> str:
    """Return the encoding of a text file; UTF-8 only if the whole of it is, or all but some stray bytes."""
    with path.open("rb") as file:
        head = file.read(SAMPLE)
    if not head.removeprefix(codecs.BOM_UTF8).strip(b"\x00 \r\n\t"):
        raise Unreadable(_("The file is empty."))
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    refuse_binary(head)
    if (wide := _wide(head)) is not None:
        return wide
    _refuse_noise(head)
    position = _first_bad_byte(path)
    if position is None:
        return "utf-8"
    with path.open("rb") as file:
        file.seek(max(0, position - SAMPLE // 4))
        sample = file.read(SAMPLE)
    return MIXED if _is_mixed(head + sample) else likeliest(sample)


def likeliest(sample: bytes) -> str:
    """Return the encoding in which a sample that is no UTF-8 reads best."""
    high = sum(byte > 127 for byte in sample)
    words = re.findall(rb"[^\x00-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]*[\x80-\xff][^\x00-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]*", sample)[:3_000]
    best, score = "cp1252", -100.0
    for encoding in _SINGLE:
        found = _plausible(words, encoding)
        if found > score + 0.02:
            best, score = encoding, found
    # Texts of East Asia are mostly beyond ASCII, and in one byte a letter they read badly.
    if score < 0.9 or high * 10 > len(sample) * 3:
        wide = from_bytes(sample, cp_isolation=[*_WIDE, best], preemptive_behaviour=False).best()
        if wide is not None and wide.encoding in _WIDE and _reads_as_han(sample, wide.encoding):
            return wide.encoding
    return best


def _plausible(words: list[bytes], encoding: str) -> float:
    """Return how likely words with letters beyond ASCII are in an encoding, about 2 for a certain one."""
    try:
        texts = [data.decode(encoding) for data in words]
    except UnicodeDecodeError:
        return -100.0
    letters = Counter(letter for word in texts for letter in word if letter > "\x7f")
    alphabet = max(_ALPHABETS, key=lambda a: sum(n for letter, n in letters.items() if letter in a))
    total = sum(
        _plausible_letter(letter, word[at - 1 : at], word[at + 1 : at + 2], alphabet)
        for word in texts for at, letter in enumerate(word) if letter > "\x7f"
    )
    cyrillic = [letter for word in texts for letter in word.lower() if "\u0400" <= letter <= "\u052f"]
    if cyrillic and sum(letter in "аеёиоуыэюяіїє" for letter in cyrillic) < 0.25 * len(cyrillic):
        total -= letters.total()  # no language of it goes with so few vowels
    return total / max(letters.total(), 1)


def _plausible_letter(letter: str, before: str, after: str, alphabet: frozenset[str]) -> float:
    """Return from -5 to 2 how well a letter goes with its neighbours."""
    if letter < "\xa0":
        return -5
    if not letter.isalpha():
        if (before.isalpha() and after.isalpha()) or letter not in _SIGNS:
            return -2.5
        return 0.8 if not (before.isalpha() or after.isalpha()) else -0.5
    script = _script(letter)
    if any(n.isalpha() and _script(n) != script for n in (before, after)):
        return -3
    if (letter.isupper() and before.islower()) or (letter.islower() and before.isupper() and after.isupper()):
        return -2
    if not before.isalpha() and not after.isalpha():
        return -0.5
    if script != "LATIN":
        return 2
    crowded = any(n > "\x7f" and n.isalpha() for n in (before, after))
    return (2 if letter in alphabet else 1.5 if letter in _WESTERN else 0) - 1.5 * crowded


def _script(letter: str) -> str:
    return "LATIN" if letter < "\x80" else unicodedata.name(letter, "").partition(" ")[0]


def _reads_as_han(sample: bytes, encoding: str) -> bool:
    """Tell whether what stands beyond ASCII is mostly the scripts of East Asia."""
    text = [c for c in sample.decode(encoding, "ignore") if c > "\x7f"]
    asian = sum(unicodedata.name(c, "").startswith(("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "IDEOGRAPHIC", "FULLWIDTH")) for c in text)
    return bool(text) and asian > 0.8 * len(text)


def _is_mixed(sample: bytes) -> bool:
    """Tell whether stray single bytes stand among letters that are UTF-8: two programs wrote one file."""
    good = len(re.findall(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}", sample))
    bad = sum(byte > 127 for byte in re.sub(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}", b"", sample))
    return good > 0 and good * 2 >= bad


def _wide(head: bytes) -> str | None:
    """Tell UTF-16 without a mark by the zero bytes of its ASCII letters."""
    even, odd = head[0::2], head[1::2]
    if len(head) > 8 and odd.count(0) > len(odd) * 0.4 and even.count(0) < len(even) * 0.05:
        return "utf-16-le"
    if len(head) > 8 and even.count(0) > len(even) * 0.4 and odd.count(0) < len(odd) * 0.05:
        return "utf-16-be"
    return None


def _refuse_noise(head: bytes) -> None:
    controls = sum(byte < 32 and byte not in (9, 10, 12, 13, 0) for byte in head)
    if controls * 20 > len(head):
        raise Unreadable(_("This is not a text table; its bytes are not readable text. Save it as CSV or XLSX."))


def _first_bad_byte(path: Path) -> int | None:
    decoder: Any = codecs.getincrementaldecoder("utf-8")()
    done = 0
    with path.open("rb") as file:
        while True:
            block = file.read(1 << 20)
            try:
                decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                return done + error.start
            if not block:
                return None
            done += len(block)
