"""The API routes of imports and exports, for every entity that has them."""

from crm.api.routes import route
from crm.records.entity import all_entities
from crm.transfer.api import exports, views

for declared in all_entities().values():
    if "api" not in declared.abilities:
        continue
    word = declared.name.title().replace("_", "")
    if "import" in declared.abilities:
        route(f"{declared.plural}/import", type(f"{word}ImportView", (views.ImportView,), {"entity_": declared}))
    if "export" in declared.abilities:
        route(f"{declared.plural}/export", type(f"{word}ExportView", (views.ExportView,), {"entity_name": declared.name}))

route("imports", views.ImportsView)
route("imports/{id}", views.ImportRunView)
route("imports/{id}/run", views.ImportConfirmView)
route("imports/{id}/errors", views.ImportErrorsView)
route("exports", exports.ExportsView)
route("exports/{id}", exports.ExportView)
route("exports/{id}/file", exports.ExportFileView)
