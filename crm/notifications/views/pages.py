"""The bell, the page of notifications, and by which ways one hears of what."""

import uuid

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from crm.lib.ids import parse_uuid
from crm.notifications.kinds import kinds
from crm.notifications.models import Notification
from crm.notifications.service import KEPT_UNREAD, choices_of, choose, mark_read, mark_unread, unread_count
from crm.notifications.titles import with_titles
from crm.ui.context import shell_part
from crm.ui.pages import page, redirect_to, render, toast

PAGE = 50
IN_BELL = 12


@shell_part("bell")
def bell(request: HttpRequest) -> SafeString | str:
    """Draw the bell of the page's head."""
    if not request.user.is_authenticated:
        return ""
    count = unread_count(request.user)
    return render_to_string("notifications/bell.html", {"count": count, "most": KEPT_UNREAD, "user": request.user}, request)


@page()
def bell_view(request: HttpRequest) -> HttpResponse:
    """Answer the bell anew, with what is newest for those who hear the page."""
    count = unread_count(request.user)
    mine = Notification.objects.filter(user=request.user, in_app=True, read_at=None)
    newest = mine.order_by("-id").values_list("text", flat=True).first() if count else ""
    return render(request, "notifications/bell.html#button", {"count": count, "most": KEPT_UNREAD, "newest": newest})


@page()
def popover(request: HttpRequest) -> HttpResponse:
    """Show the newest notifications under the bell: all, or those not read."""
    return render(request, "notifications/popover.html", {
        "rows": _rows(request, IN_BELL)[0], "unread": unread_count(request.user), "only": request.GET.get("only", ""),
    })


@page()
def notifications(request: HttpRequest) -> HttpResponse:
    """Show all notifications, by day."""
    rows, more = _rows(request, PAGE)
    return render(request, "notifications/page.html", {
        "rows": rows, "more": more, "unread": unread_count(request.user), "only": request.GET.get("only", ""),
        "last": rows[-1].pk if rows else "",
    }, part="notifications")


@page("POST")
def read(request: HttpRequest) -> HttpResponseBase:
    """Mark some, or all, as read (or one as unread). Those that were seen for a second are marked without a word."""
    ids = [pk for pk in map(parse_uuid, request.POST.getlist("id")[:IN_BELL + PAGE]) if pk is not None]
    if not ids:
        mark_read(user=request.user)
        toast(request, _("All marked as read"))
    elif request.POST.get("unread"):
        mark_unread(user=request.user, pk=ids[0])
    else:
        mark_read(user=request.user, ids=ids)
    if request.POST.get("seen"):
        return HttpResponse(status=204)
    return redirect_to(request, "/notifications")


@page()
def open_one(request: HttpRequest, pk: uuid.UUID) -> HttpResponseBase:
    """Go where a notification points to, and mark it as read."""
    found = Notification.objects.filter(user=request.user, pk=pk).first()
    if found is None:
        return redirect_to(request, "/notifications")
    mark_read(user=request.user, ids=[pk])
    return redirect_to(request, request.GET.get("to") or found.url or "/notifications")


@page("GET POST")
def settings(request: HttpRequest) -> HttpResponseBase:
    """Choose by which ways one hears of each kind."""
    if request.method == "POST":
        choose(user=request.user, ways={
            name: (f"{name}.in_app" in request.POST, f"{name}.digest" in request.POST) for name in kinds()
        })
        toast(request, _("Saved"))
        return redirect_to(request, "/notifications/settings")
    ways = choices_of(request.user)
    return render(request, "notifications/settings.html", {"ways": [(kind, ways[name]) for name, kind in kinds().items()]})


def _rows(request: HttpRequest, limit: int) -> tuple[list[Notification], bool]:
    rows = Notification.objects.filter(user=request.user, in_app=True).select_related("actor")
    if request.GET.get("only") == "unread":
        rows = rows.filter(read_at=None)
    before = parse_uuid(request.GET.get("before"))
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows.order_by("-id")[:limit + 1])
    return with_titles(request.user, found[:limit]), len(found) > limit
