"""Tags that are worked out once say what they said on every page."""

import pytest
from django.template import Context, engines
from django.utils import translation

from crm.ui.templatetags.constant import Said

TEMPLATES = (
    "{% trans 'Save' %}", '{% translate "Open" context "act" %}', "{% trans word %}", "{% trans 'Save' as kept %}<{{ kept }}>",
    "{% trans 'Save'|upper %}", "{% trans 'Save' noop %}", "{% icon 'plus' %}", "{% icon 'plus' 'icon-sm' %}", "{% icon name %}",
    "{% icon 'plus' as drawn %}{{ drawn }}", "{% trans '100 %' %}", "{% trans 'Ben & Jerry <b>' %}",
)


@pytest.mark.parametrize("text", TEMPLATES)
@pytest.mark.parametrize("language", ["en", "de"])
def test_the_outcome_is_the_same(text: str, language: str) -> None:
    """In every language, with whatever else the tag is given."""
    plain = engines["django"].from_string("{% load i18n %}{% load ui %}" + text)
    quick = engines["django"].from_string(text)
    values = {"word": "Save", "name": "star"}
    for _time in range(2):
        with translation.override(language):
            assert quick.render(values) == plain.render(values)


def test_words_are_looked_up_once_for_each_language() -> None:
    """The second reader of a language gets what the first one was told."""
    node = engines["django"].from_string("{% trans 'Save' %}").template.nodelist[0]
    assert isinstance(node, Said)
    for language, words in (("en", "Save"), ("de", "Speichern"), ("en", "Save")):
        with translation.override(language):
            assert node.render(Context()) == words
    assert len(node.known) == 2
