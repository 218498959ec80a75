"""Which form an answer takes: what ``Accept`` asks for, JSON when it leaves the choice; nothing in the URL."""

from typing import Any

from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import BaseContentNegotiation


class ContentNegotiation(BaseContentNegotiation):
    """Chooses parser and renderer; quality values count, and ties go to the first renderer (JSON)."""

    def select_parser(self, request: Any, parsers: Any) -> Any:
        """Return the parser of the body's media type, or None."""
        sent = (request.content_type or "").split(";")[0].strip().lower()
        return next((p for p in parsers if p.media_type.split(";")[0] == sent), None)

    def select_renderer(self, request: Any, renderers: Any, format_suffix: str | None = None) -> Any:
        """Return the renderer that ``Accept`` prefers; raise ``NotAcceptable`` when it names none of ours."""
        accepted = _accepted(request.META.get("HTTP_ACCEPT") or "*/*")
        best, quality = None, 0.0
        for renderer in renderers:
            own = _quality(renderer.media_type, accepted)
            if own > quality:
                best, quality = renderer, own
        if best is None:
            raise NotAcceptable(available_renderers=renderers)
        return best, best.media_type


def _accepted(header: str) -> list[tuple[str, float]]:
    found = []
    for part in header[:2000].split(","):
        media, *parameters = (p.strip().lower() for p in part.split(";"))
        quality = 1.0
        for parameter in parameters:
            name, _equals, value = parameter.partition("=")
            if name.strip() == "q":
                try:
                    quality = min(1.0, max(0.0, float(value)))
                except ValueError:
                    quality = 0.0
        if media:
            found.append((media, quality if quality == quality else 0.0))
    return found


def _quality(media_type: str, accepted: list[tuple[str, float]]) -> float:
    """Return the quality of the most specific range that covers ``media_type``."""
    main = media_type.split("/")[0]
    for pattern in (media_type, f"{main}/*", "*/*", "*"):
        for media, quality in accepted:
            if media == pattern:
                return quality
    return 0.0
