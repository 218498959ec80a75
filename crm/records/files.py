"""What an uploaded file really is: by its content, never by its name."""

import hashlib
import re
import struct
import unicodedata
import uuid
import warnings
from dataclasses import dataclass
from typing import Any

import filetype
from django.conf import settings
from django.utils.translation import gettext as _
from PIL import Image, UnidentifiedImageError

from crm.lib.errors import Invalid

HEAD = 8192
CHUNK = 1024 * 1024
MAX_PIXELS = 50_000_000
SHOWN = {"image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf", "text/plain"}
"""What a browser may show by itself; everything else is only ever downloaded."""
REFUSED = {"application/x-msdownload", "application/x-executable", "application/x-elf", "application/vnd.microsoft.portable-executable",
           "application/x-shellscript"}

_MARKUP = re.compile(rb"<\s*(!doctype|html|svg|script|\?xml|head|body|iframe)", re.IGNORECASE)
# Controls, and the marks that turn the direction of writing (“exe.pdf” read backwards).
_TRICKS = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff/\\\\]")


@dataclass(frozen=True)
class Sniffed:
    """A file as it was found to be."""

    size: int
    content_type: str
    sha256: str


def sniff(file: Any) -> Sniffed:
    """Read a file once: its size, type and checksum. Refuses what is empty, too large, or a trap."""
    limit = settings.MAX_DOCUMENT_BYTES
    digest, size, head = hashlib.sha256(), 0, b""
    file.seek(0)
    while chunk := file.read(CHUNK):
        head = head or chunk[:HEAD]
        size += len(chunk)
        if size > limit:
            raise Invalid.field("file", _("The file is larger than %(limit)d MB.") % {"limit": limit // 1_048_576})
        digest.update(chunk)
    file.seek(0)
    if not size:
        raise Invalid.field("file", _("The file is empty."))
    content_type = _type_of(head)
    if content_type in REFUSED or head[:2] == b"MZ" or head[:4] == b"\x7fELF":
        raise Invalid.field("file", _("Programs are not accepted."))
    if content_type.startswith("image/") and not _check_image(file, head) and content_type in SHOWN:
        content_type = "application/octet-stream"  # a browser might read what we cannot
    return Sniffed(size, content_type, digest.hexdigest())


def clean_name(name: Any) -> str:
    """Return a file name that is only a name: no path, no controls, no marks of direction, at most 200 characters."""
    text = unicodedata.normalize("NFC", str(name or "").replace("\\", "/").rsplit("/", 1)[-1])
    text = _TRICKS.sub("", "".join(c for c in text if not "\ud800" <= c <= "\udfff")).strip(" .")
    stem, dot, extension = text.rpartition(".")
    if dot and len(extension) <= 12:
        return f"{stem[:185]}.{extension}" if stem else extension
    return text[:200] or _("file")


def storage_name() -> str:
    """Return the path of a new file: made here, without a word of the user's."""
    name = uuid.uuid4().hex
    return f"documents/{name[:2]}/{name}"


def _type_of(head: bytes) -> str:
    kind = filetype.guess(head)
    if kind is not None:
        return str(kind.mime)
    if b"\x00" in head:
        return "application/octet-stream"
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        # A character may be cut in two at the end of what was read.
        if error.start < len(head) - 4:
            return "application/octet-stream"
    return "text/html" if _MARKUP.search(head[:1024]) else "text/plain"


def _check_image(file: Any, head: bytes) -> bool:
    """Refuse an image by what its header says, before anything is unpacked; tell whether it is one that we can read."""
    too_large = Invalid.field(
        "file", _("The image has more than %(limit)d million pixels.") % {"limit": MAX_PIXELS // 1_000_000}
    )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(file) as image:
                width, height = image.size
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise too_large from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        # No image that we know: it is stored all the same, unless it says that it is a large one.
        known = False
        width, height = struct.unpack(">II", head[16:24]) if head.startswith(b"\x89PNG") and len(head) >= 24 else (0, 0)
    else:
        known = True
    finally:
        file.seek(0)
    if width * height > MAX_PIXELS:
        raise too_large
    return known
