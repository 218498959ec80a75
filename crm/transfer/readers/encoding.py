"""Which encoding a text file is in: told by its mark, by its bytes, or by the likeliest reading."""

import codecs
from pathlib import Path

from charset_normalizer import from_bytes
from django.utils.translation import gettext as _

from crm.transfer.readers.base import SAMPLE, Unreadable

_MARKS = [
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
]
_CANDIDATES = [
    "cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "iso8859_2", "koi8_r", "shift_jis",
    "euc_jp", "gb18030", "big5", "euc_kr", "mac_roman",
]
_SIGNATURES = {
    b"%PDF": "PDF", b"\x89PNG": "PNG", b"\xff\xd8\xff": "JPEG", b"GIF8": "GIF", b"MZ": "Windows program",
    b"\x7fELF": "Linux program", b"PK\x03\x04": "ZIP", b"\x1f\x8b": "gzip", b"\xd0\xcf\x11\xe0": "Excel 97",
    b"Rar!": "RAR", b"7z\xbc\xaf": "7-Zip", b"SQLite format 3": "SQLite",
}


def refuse_binary(head: bytes) -> None:
    """Refuse a file whose first bytes say that it is no text, whatever its name."""
    for mark, name in _SIGNATURES.items():
        if head.startswith(mark):
            raise Unreadable(
                _("This is not a text table but %(kind)s content. Save it as CSV or XLSX.") % {"kind": name}
            )


def detect(path: Path) -> str:
    """Return the encoding of a text file; UTF-8 only if the whole of it is."""
    with path.open("rb") as file:
        head = file.read(SAMPLE)
    if not head.strip(b"\x00 \r\n\t"):
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
    high = sum(byte > 127 for byte in sample)
    # Western text has few letters beyond ASCII; Cyrillic, Greek or Japanese text mostly such.
    if high * 10 < len(sample) * 3 and _decodes(sample, "cp1252"):
        return "cp1252"
    best = from_bytes(sample, cp_isolation=_CANDIDATES, preemptive_behaviour=False).best()
    return best.encoding if best is not None else "cp1252"


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
    decoder = codecs.getincrementaldecoder("utf-8")()
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


def _decodes(sample: bytes, encoding: str) -> bool:
    try:
        sample.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
