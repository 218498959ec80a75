"""How notes and documents are found: by what they say and how they are called, on records that one may see."""

from django.db.models import F, Value
from django.db.models.functions import Coalesce, Left, NullIf
from django.utils.translation import gettext_lazy as _

from crm.lib.models import searched
from crm.records.models import Document, Note
from crm.search.registry import searchable

searchable(
    "note", Note, label=_("Notes"), url="/notes/{id}", columns=("title", "content"), text=searched("title", "content"),
    title=Coalesce(NullIf(F("title"), Value("")), Left("content", 80)), subtitle=Left("content", 120), subtitle_fields=("content",),
    icon="sticky-note", hue="amber", weight=0.6, through=("author", "-created_at"),
)
searchable(
    "document", Document, label=_("Documents"), url="/documents/{id}", columns=("name", "description"),
    text=searched("name", "description"), subtitle=F("description"), subtitle_fields=("description",),
    icon="file-text", hue="sky", weight=0.7, through=("uploaded_by", "-created_at"),
)
