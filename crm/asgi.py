"""The web process: pages and API in threads, live sockets on the event loop."""

import gc
import os
from typing import Any

from channels.routing import ProtocolTypeRouter
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
pages = get_wsgi_application()

# These read the settings and the models, which are there only now.
from django.conf import settings  # noqa: E402
from django.urls import get_resolver  # noqa: E402

from crm.lib.threads import Threaded  # noqa: E402
from crm.realtime.routing import websocket  # noqa: E402


class Lifespan:
    """Says yes to the server's start and stop; there is nothing to prepare."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer the two questions of the protocol."""
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return


application = ProtocolTypeRouter(
    {
        "http": Threaded(pages, threads=settings.WEB_THREADS, max_body=settings.MAX_UPLOAD_BYTES),
        "websocket": websocket,
        "lifespan": Lifespan(),
    }
)


def settle() -> None:
    """Load the addresses before the first request, and let the garbage collector leave alone all that stands now.

    Otherwise it walks the whole program now and then, in the middle of somebody's request.
    """
    _ = get_resolver().url_patterns
    gc.collect()
    gc.freeze()


settle()
