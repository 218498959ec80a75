"""The addresses of lists and records: ``/<plural>`` and below, for every entity that has pages."""

from django.urls import URLPattern, URLResolver, path, register_converter

from crm.lists.views import activity, bulk, compose, edit, favourites, fields, filters, lists, options, records, saved
from crm.records.entity import Entity, entity_by_plural


class PageConverter:
    """The path segment of an entity with pages; any other segment is no match."""

    regex = "[a-z][a-z-]*"

    def to_python(self, value: str) -> Entity:
        """Return the entity of a path segment."""
        found = entity_by_plural(value)
        if found is None or "pages" not in found.abilities:
            raise ValueError
        return found

    def to_url(self, value: Entity | str) -> str:
        """Return the path segment of an entity."""
        return value if isinstance(value, str) else value.plural


register_converter(PageConverter, "listed")

_ONE = "<listed:entity>/<uuid:pk>"

urlpatterns: list[URLPattern | URLResolver] = [
    *(
        path(f"notes/<uuid:pk>/{action}", activity.note_act, {"action": action}, name=f"note_{action}")
        for action in ("pin", "unpin", "delete")
    ),
    path("favourites/order", favourites.order, name="favourites_order"),
    path("favourites/<uuid:pk>/remove", favourites.remove, name="favourite_remove"),
    path("options/<slug:name>", options.options, name="options"),
    path("<listed:entity>", lists.record_list, name="list"),
    path("<listed:entity>/new", edit.create, name="record_new"),
    path("<listed:entity>/rows", lists.rows_anew, name="list_rows"),
    path("<listed:entity>/sums", lists.sums, name="list_sums"),
    path("<listed:entity>/facets", lists.facet_panel, name="list_facets"),
    path("<listed:entity>/groups", lists.groups, name="list_groups"),
    path("<listed:entity>/range", lists.range_filter, name="list_range"),
    path("<listed:entity>/filter", filters.filter_form, name="list_filter"),
    path("<listed:entity>/filter/fields", filters.filter_fields, name="list_filter_fields"),
    path("<listed:entity>/query", filters.query_form, name="list_query"),
    path("<listed:entity>/columns", lists.column_form, name="list_columns"),
    path("<listed:entity>/column", lists.column_menu, name="list_column"),
    path("<listed:entity>/views/new", saved.new_view, name="view_new"),
    path("<listed:entity>/views/order", saved.order_views, name="views_order"),
    path("<listed:entity>/views/all/prefer", saved.prefer_all, name="view_prefer_all"),
    *(
        path(f"<listed:entity>/views/<uuid:pk>/{action}", saved.view_act, {"action": action}, name=f"view_{action}")
        for action in ("prefer", "show", "hide", "earlier", "later")
    ),
    path("<listed:entity>/views/<uuid:pk>", saved.edit_view, name="view_edit"),
    path("<listed:entity>/views/<uuid:pk>/update", saved.update_view, name="view_update"),
    path("<listed:entity>/bulk/<slug:action>", bulk.bulk_act, name="bulk"),
    path("<listed:entity>/bulk/<slug:action>/form", bulk.bulk_form, name="bulk_form"),
    path("<listed:entity>/views/<uuid:pk>/star", favourites.star_view, name="view_star"),
    path(_ONE, records.record_page, name="record"),
    path(f"{_ONE}/live", records.live, name="record_live"),
    path(f"{_ONE}/duplicates", records.duplicates, name="record_duplicates"),
    path(f"{_ONE}/counts", records.counts, name="record_counts"),
    path(f"{_ONE}/edit", edit.edit, name="record_edit"),
    path(f"{_ONE}/star", records.star, name="record_star"),
    path(f"{_ONE}/reach", records.reach, name="record_reach"),
    path(f"{_ONE}/neighbours", records.neighbour_links, name="record_neighbours"),
    path(f"{_ONE}/panels/<slug:key>", records.panel_view, name="record_panel"),
    path(f"{_ONE}/timeline", activity.timeline_view, name="record_timeline"),
    path(f"{_ONE}/compose", compose.compose, name="record_compose"),
    path(f"{_ONE}/fields/<str:key>", fields.field_value, name="field"),
    path(f"{_ONE}/fields/<str:key>/edit", fields.field_edit, name="field_edit"),
    *(
        path(f"{_ONE}/{action}", records.act, {"action": action}, name=f"record_{action}")
        for action in ("delete", "restore", "archive", "unarchive")
    ),
]
