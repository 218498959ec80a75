"""The addresses of this package's pages."""

from django.urls import URLPattern, URLResolver, path

from sales.views import board, moves, settings

urlpatterns: list[URLPattern | URLResolver] = [
    path("deals", board.deals, name="deals"),
    path("deals/columns/<uuid:stage_id>", board.column, name="deal-column"),
    path("deals/<uuid:deal_id>/move", moves.move, name="deal-move"),
    path("deals/<uuid:deal_id>/card", moves.card, name="deal-card"),
    path("settings/pipelines", settings.index, name="pipelines"),
    path("settings/pipelines/<uuid:pipeline_id>", settings.edit, name="pipeline-edit"),
    path("settings/pipelines/<uuid:pipeline_id>/archive", settings.archive, name="pipeline-archive"),
]
