"""Tags whose outcome is known beforehand, worked out once instead of on every page.

``{% trans "…" %}`` says the same to everybody who reads one language, and ``{% icon 'plus' %}`` the same to everybody.
A page has some hundred of them. These tags replace those of the same names.
"""

from collections.abc import Callable
from typing import Any

from django import template
from django.template.base import Node, Parser, TextNode, Token, Variable
from django.template.context import Context
from django.templatetags.i18n import TranslateNode, do_translate
from django.utils.translation import get_language

from crm.ui.templatetags import ui

register = template.Library()


class Said(Node):
    """A translation of fixed words: looked up once for each language."""

    def __init__(self, node: TranslateNode) -> None:
        self.node = node
        self.known: dict[str | None, str] = {}

    def render(self, context: Context) -> str:
        """Return the words in the language of the page."""
        language = get_language()
        words = self.known.get(language)
        if words is None:
            words = self.known[language] = self.node.render(context)
        return words


@register.tag("translate")
@register.tag("trans")
def say(parser: Parser, token: Token) -> Node:
    """Translate, as Django's tag of this name does."""
    node = do_translate(parser, token)
    words, meant = node.filter_expression, node.message_context
    fixed = isinstance(words.var, Variable) and words.var.literal is not None and not words.filters
    if node.asvar or not fixed or not (meant is None or _is_constant(meant)):
        return node
    return Said(node)


def _is_constant(expression: Any) -> bool:
    return not expression.is_var and not expression.filters


def _constant(compile_tag: Callable[[Parser, Token], Any]) -> Callable[[Parser, Token], Node]:
    """Return a simple tag that becomes text where all that it is given is written in the template."""

    def compiled(parser: Parser, token: Token) -> Node:
        node = compile_tag(parser, token)
        given = [*node.args, *node.kwargs.values()]
        if node.target_var is not None or not all(_is_constant(expression) for expression in given):
            found: Node = node
            return found
        return TextNode(node.render(Context()))

    return compiled


register.tag("icon", _constant(ui.register.tags["icon"]))
