"""The addresses of imports and exports."""

from django.urls import URLPattern, URLResolver, path

from crm.transfer import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("import", views.begin, name="import-begin"),
    path("export", views.export, name="export"),
    path("exports/<uuid:pk>", views.export_page, name="export-page"),
    path("exports/<uuid:pk>/file", views.export_file, name="export-file"),
    path("imports", views.imports, name="imports"),
    path("imports/new", views.upload, name="import-new"),
    path("imports/<uuid:pk>", views.run_page, name="import"),
    path("imports/<uuid:pk>/read", views.read_again, name="import-read"),
    path("imports/<uuid:pk>/run", views.start, name="import-run"),
    path("imports/<uuid:pk>/rows/<int:number>", views.mend_row, name="import-row"),
    path("imports/<uuid:pk>/stop", views.stop, name="import-stop"),
    path("imports/<uuid:pk>/undo", views.take_back, name="import-undo"),
    path("imports/<uuid:pk>/forget", views.forget, name="import-forget"),
    path("imports/<uuid:pk>/errors", views.errors, name="import-errors"),
]
