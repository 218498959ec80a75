"""The little formatting of notes and comments: bold, italics, lists, quotes, code and links; nothing else gets through."""

import re
from collections.abc import Iterable

import nh3
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

_MARKDOWN = MarkdownIt("commonmark", {"html": False, "breaks": True}).disable(["image", "heading", "lheading", "hr", "html_block", "reference"])
_TAGS = {"p", "br", "strong", "em", "ul", "ol", "li", "blockquote", "code", "pre", "a"}
_BARE = re.compile(r"(?<![\w(<\[\"'=])https?://[^\s<>()]+[^\s<>().,;:!?]")


def to_html(text: str, mentions: Iterable[str] = ()) -> SafeString:
    """Return a text with its formatting as safe HTML; ``mentions`` are the names that follow an @ as people."""
    made = nh3.clean(
        _MARKDOWN.render(_BARE.sub(r"<\g<0>>", text)),
        tags=_TAGS, attributes={"a": {"href"}, "ol": {"start"}}, url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow", set_tag_attribute_values={"a": {"target": "_blank"}},
    )
    names = sorted((escape(name) for name in mentions), key=len, reverse=True)
    if names:
        found = re.compile(rf"(<[^>]*>)|@({'|'.join(re.escape(n) for n in names)})(?!\w)")
        made = found.sub(lambda m: m[1] or f'<span class="mention">@{m[2]}</span>', made)
    return mark_safe(made)  # noqa: S308 - cleaned above
