"""The addresses of what every record has: who sees it, its documents, the talk about it, merging, the trash."""

from django.urls import URLPattern, URLResolver, path

from crm.workspace.views import access, attached, comments, documents, duplicates, merging, trash

urlpatterns: list[URLPattern | URLResolver] = [
    path("access/whom", access.whom, name="access_whom"),
    path("access/<slug:entity>/<uuid:pk>", access.who_can_see, name="access"),
    path("access/<slug:entity>/<uuid:pk>/share", access.share, name="access_share"),
    path("access/<slug:entity>/<uuid:pk>/unshare", access.unshare, name="access_unshare"),
    path("merge/<slug:entity>/<uuid:pk>", merging.merge, name="merge"),
    path("merge/<slug:entity>/<uuid:pk>/apart", merging.apart, name="merge_apart"),
    path("duplicates", duplicates.queue, name="duplicates"),
    path("duplicates/merge", duplicates.merge_sure, name="duplicates_merge"),
    path("duplicates/look", duplicates.look_again, name="duplicates_look"),
    path("trash", trash.trash, name="trash"),
    path("trash/<slug:entity>/empty", trash.empty, name="trash_empty"),
    path("trash/<slug:entity>/<uuid:pk>/restore", trash.restore, name="trash_restore"),
    *(path(f"{kind}/<uuid:pk>", attached.attached, {"kind": kind}, name=f"{kind}_on_record") for kind in attached.TABS),
    path("documents/on/<slug:entity>/<uuid:pk>", documents.upload, name="document_upload"),
    path("documents/<uuid:pk>/download", documents.download, name="document_download"),
    path("documents/<uuid:pk>/preview", documents.preview, name="document_preview"),
    path("documents/<uuid:pk>/view", documents.view, name="document_view"),
    path("documents/<uuid:pk>/rename", documents.rename, name="document_rename"),
    path("documents/<uuid:pk>/replace", documents.replace, name="document_replace"),
    path("documents/<uuid:pk>/delete", documents.remove, name="document_delete"),
    path("comments/on/<slug:entity>/<uuid:pk>", comments.comment, name="comment_add"),
    path("comments/<uuid:pk>/delete", comments.remove, name="comment_delete"),
]
