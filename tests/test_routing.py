"""Addresses found by their first segment are found as Django would find them."""

import uuid

import pytest
from django.urls import Resolver404, URLResolver, get_resolver, path, re_path
from django.urls.resolvers import RoutePattern

from crm.lib.routing import ByFirstSegment, _flat
from tests.security.addresses import dumped, filled


def view(request: object) -> None:
    """Stand for any view."""


def plain(patterns: list) -> URLResolver:
    return URLResolver(RoutePattern(""), patterns)


def found(resolver: URLResolver, address: str) -> object:
    try:
        match = resolver.resolve(address)
    except Resolver404:
        return None
    return match.func, match.kwargs, match.url_name


def test_all_of_ours_are_found_as_without_the_index() -> None:
    """Whatever the first segment is, the same pattern answers, with the same values."""
    ours = get_resolver().url_patterns[0]
    assert isinstance(ours, ByFirstSegment)
    everything = plain(_flat(ours.url_patterns))
    tried = 0
    for pattern in dumped():
        address = filled(pattern, uuid.UUID(int=7)).removeprefix("/")
        assert found(ours, address) == found(everything, address), address
        tried += 1
    assert tried > 200


@pytest.mark.parametrize("address", ["", "deals", "deals/new", "deals/7", "people", "people/", "other/deep", "unknown/x/y", "deals2"])
def test_the_order_stays(address: str) -> None:
    """A pattern that begins with a placeholder keeps its place between those that begin with a word."""
    patterns = [
        path("", view, name="home"), path("deals/new", view, name="new"), path("<slug:entity>", view, name="list"),
        path("deals", view, name="deals"), re_path(r"^people/?\Z", view, name="people"), path("<slug:entity>/<int:pk>", view, name="one"),
        path("other/<slug:x>", view, name="other"),
    ]
    assert found(ByFirstSegment(patterns), address) == found(plain(patterns), address)
