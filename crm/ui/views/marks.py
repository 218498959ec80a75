"""What browsers and crawlers ask for at the root without being told to."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.templatetags.static import static

from crm.ui.pages import page

KEPT = "public, max-age=86400"


@page(login=False)
def favicon(request: HttpRequest) -> HttpResponse:
    """Lead to the icon, for pages that do not name it (the admin, a PDF in a tab)."""
    return HttpResponseRedirect(static("favicon.svg"), headers={"Cache-Control": KEPT})


@page(login=False)
def robots(request: HttpRequest) -> HttpResponse:
    """Ask search engines to stay out: nothing here is for the public."""
    return HttpResponse("User-agent: *\nDisallow: /\n", content_type="text/plain", headers={"Cache-Control": KEPT})
