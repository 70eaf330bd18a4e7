"""The console's front door: finds the page, checks what a form brings along, shows errors."""

from __future__ import annotations

import hmac
import logging
import secrets
from dataclasses import replace
from urllib.parse import urlsplit

from ..refusal import Refused
from ..serving.application import Application
from ..serving.http import Reply, Request, status_of
from ..serving.routes import Router
from ..store.store import StoreClosed
from . import assets, changes, log, messages, people, settings, workspace
from .listeners import Listeners
from .visit import Place, Visit

_LOG = logging.getLogger(__name__)
_LARGEST_FORM = 65_536  # bytes
TABLES = tuple(
    module.PAGES for module in (assets, changes, log, messages, people, settings, workspace)
)
"""All pages and forms."""


class Site:
    """All pages of one server.

    Args:
        application: the local Customer.io.
        origin: the scheme and address of the server.
        ca_file: the certificate to trust, with TLS.
    """

    def __init__(self, application: Application, origin: str, ca_file: str | None) -> None:
        self._application = application
        self._place = Place(origin, ca_file, secrets.token_urlsafe(32), Listeners())
        self._router = Router(TABLES)

    def serve(self, request: Request) -> Reply:
        """Answer a request. Its Host and Origin are checked already."""
        if request.method == "HEAD":
            request = replace(request, method="GET")
        visit = Visit(self._application, request, self._place)
        try:
            return self._answer(visit)
        except StoreClosed:
            raise
        except Refused as refused:
            return visit.page("error", status_of(refused), message=refused.message)
        except Exception:
            _LOG.exception("a page of the console failed")
            return visit.page("error", 500, message="This page failed: see the sandbox's log.")

    def _answer(self, visit: Visit) -> Reply:
        request = visit.request
        try:
            route, parameters = self._router.find(request)
        except Refused as refused:
            if refused.kind != "not_served":
                raise
            raise Refused("There is no such page.", "not_found") from None
        if request.method != "GET":
            self._check_form(visit)
        answer: Reply = route.handler(visit, **parameters)
        return answer

    def _check_form(self, visit: Visit) -> None:
        """Refuse a form that another site's page could have sent."""
        headers = visit.request.headers
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != headers.get("host"):
            raise Refused("This form came from another page: check the Origin header.", "forbidden")
        if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise Refused("This form came from another site.", "forbidden")
        if len(visit.request.body) > _LARGEST_FORM:
            raise Refused("This form is too large.", "too_large")
        if not hmac.compare_digest(
            visit.form.get("token", "").encode(), visit.place.token.encode()
        ):
            message = "This form is from an earlier start of the sandbox: load its page again."
            raise Refused(message, "forbidden")
