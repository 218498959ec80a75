"""The addresses of this package's pages."""

from django.urls import URLPattern, URLResolver, path
from django.utils.translation import gettext_lazy as _

from crm.lists.views.parts import part_pages
from sales.services import parts
from sales.views import board, deal, moves, settings

urlpatterns: list[URLPattern | URLResolver] = [
    path("deals", board.deals, name="deals"),
    path("deals/board/filter", board.board_filter, name="board-filter"),
    path("deals/board/filter/fields", board.board_filter_fields, name="board-filter-fields"),
    path("deals/board/query", board.board_query, name="board-query"),
    path("deals/board/fold", board.fold, name="board-fold"),
    path("deals/cells", board.cell, name="deal-cell"),
    path("deals/stages/<uuid:stage_id>/limit", board.work_limit, name="stage-limit"),
    path("deals/columns/<uuid:stage_id>", board.column, name="deal-column"),
    path("deals/<uuid:deal_id>/move", moves.move, name="deal-move"),
    path("deals/<uuid:deal_id>/close-date", moves.close_date, name="deal-close-date"),
    path("deals/<uuid:deal_id>/card", moves.card, name="deal-card"),
    path("deals/<uuid:pk>", deal.record, name="deal-record"),
    path("deals/<uuid:pk>/road", deal.road, name="deal-road"),
    path("deals/<uuid:pk>/stage", deal.stage, name="deal-stage"),
    path("deals/<uuid:pk>/reopen", deal.reopen, name="deal-reopen"),
    path("deals/<uuid:pk>/value-from-lines", deal.total, name="deal-total"),
    *part_pages("people", parts.CONTACTS, _("Person in the deal"), add=parts.add_contact, change=parts.change_contact,
                remove=parts.remove_part, argument="contact"),
    *part_pages("lines", parts.LINES, _("Line of the deal"), add=parts.add_line, change=parts.change_line,
                remove=parts.remove_part, argument="line", asked=("product", "quantity", "unit_price", "discount_percent")),
    path("settings/pipelines", settings.index, name="pipelines"),
    path("settings/pipelines/<uuid:pipeline_id>", settings.edit, name="pipeline-edit"),
    path("settings/pipelines/<uuid:pipeline_id>/archive", settings.archive, name="pipeline-archive"),
]
