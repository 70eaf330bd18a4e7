"""Serves a workbench on loopback, and visits it as the browser does that opened its link."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import requests
import uvicorn

from customerio_tool import Policy
from customerio_tool.doors.ground import Ground
from customerio_tool.doors.web import server
from customerio_tool.doors.web.access import Access
from customerio_tool.doors.web.app import own_paths_of
from customerio_tool.doors.workbench.admission import Admission
from customerio_tool.doors.workbench.app import workbench_app
from customerio_tool.doors.workbench.workspaces import Workspace, Workspaces
from customerio_tool.sandbox import Sandbox
from tests.support.pages import Page
from tests.support.timeouts import PATIENCE

Fields: TypeAlias = Mapping[str, str | Sequence[str]]


@dataclass
class Bench:
    """A served workbench, and a browser that it let in.

    Args:
        url: Its address, without a final slash.
        local: The sandbox of its first workspace.
        workspaces: Its workspaces.
        admission: What lets browsers in.
        tokens: Those of the links that it announced; only the last one works.
        session: The browser.
    """

    url: str
    local: Sandbox
    workspaces: Workspaces
    admission: Admission = field(repr=False)
    tokens: list[str] = field(repr=False)
    session: requests.Session = field(default_factory=requests.Session, repr=False)

    @property
    def workspace(self) -> Workspace:
        """The workspace that the pages are about."""
        return self.workspaces.current

    @property
    def form_key(self) -> str:
        """What the forms of its pages carry."""
        (cookie,) = self.session.cookies.values()
        return self.admission.form_key(cookie) or ""

    def enter(self) -> Page:
        """Open the link that was announced last."""
        return self.get(f"/?token={self.tokens[-1]}")

    def get(self, path: str, **more: Any) -> Page:
        """Open a page."""
        return Page(self.session.get(self.url + path, timeout=PATIENCE, **more))

    def post(self, path: str, fields: Fields | None = None) -> Page:
        """Send a form with its key, and return the page to which it leads."""
        return Page(self.sent(path, fields, allow_redirects=True))

    def sent(
        self, path: str, fields: Fields | None = None, *, allow_redirects: bool = False
    ) -> requests.Response:
        """Send a form with its key, and return what the workbench answers."""
        return self.session.post(
            self.url + path,
            {"form_key": self.form_key, "workspace": self.workspace.key, **(fields or {})},
            headers={"Origin": self.url},
            timeout=PATIENCE,
            allow_redirects=allow_redirects,
        )


@contextmanager
def workbench(
    local: Sandbox, policy: Policy | None = None, environ: Mapping[str, str] | None = None
) -> Iterator[Bench]:
    """Serve a workbench until the block ends; a browser is let in.

    Args:
        local: The sandbox of its first workspace.
        policy: What every call may do at most; by default everything.
        environ: The environment, by default that of the process.
    """
    workspaces = Workspaces(
        Workspace("local", "Local Customer.io", Ground.on(local), policy or Policy.open())
    )
    tokens: list[str] = []
    admission = Admission(tokens.append)
    admission.invite()
    pages = workbench_app(workspaces, admission, os.environ if environ is None else environ)
    guarded = Access(pages, "no door here takes it", (), own_paths=own_paths_of(pages))
    listener = server.listen("127.0.0.1", 0)
    running = uvicorn.Server(uvicorn.Config(guarded, http="h11", ws="none", log_config=None))
    thread = threading.Thread(target=running.run, args=([listener],))
    thread.start()
    bench = Bench(server.url_of(listener), local, workspaces, admission, tokens)
    try:
        with bench.session:
            assert bench.enter().status == requests.codes.ok
            yield bench
    finally:
        running.should_exit = True
        thread.join(PATIENCE)
        listener.close()
