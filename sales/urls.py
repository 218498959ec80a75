"""The addresses of this package's pages."""

from django.urls import URLPattern, URLResolver, path

from sales.views import board, deal, moves, settings

urlpatterns: list[URLPattern | URLResolver] = [
    path("deals", board.deals, name="deals"),
    path("deals/board/filter", board.board_filter, name="board-filter"),
    path("deals/board/fold", board.fold, name="board-fold"),
    path("deals/cells", board.cell, name="deal-cell"),
    path("deals/stages/<uuid:stage_id>/limit", board.work_limit, name="stage-limit"),
    path("deals/columns/<uuid:stage_id>", board.column, name="deal-column"),
    path("deals/<uuid:deal_id>/move", moves.move, name="deal-move"),
    path("deals/<uuid:deal_id>/close-date", moves.close_date, name="deal-close-date"),
    path("deals/<uuid:deal_id>/card", moves.card, name="deal-card"),
    path("deals/<uuid:pk>", deal.record, name="deal-record"),
    path("deals/<uuid:pk>/stage", deal.stage, name="deal-stage"),
    path("deals/<uuid:pk>/reopen", deal.reopen, name="deal-reopen"),
    path("deals/<uuid:pk>/value-from-lines", deal.total, name="deal-total"),
    *(
        path(f"deals/<uuid:pk>/{kind}/{end}", view, {"kind": kind}, name=f"deal-{kind}-{name}")
        for kind in deal.PARTS
        for end, view, name in (
            ("new", deal.part, "new"),
            ("<uuid:part_id>", deal.part, "edit"),
            ("<uuid:part_id>/remove", deal.part_remove, "remove"),
        )
    ),
    path("settings/pipelines", settings.index, name="pipelines"),
    path("settings/pipelines/<uuid:pipeline_id>", settings.edit, name="pipeline-edit"),
    path("settings/pipelines/<uuid:pipeline_id>/archive", settings.archive, name="pipeline-archive"),
]
