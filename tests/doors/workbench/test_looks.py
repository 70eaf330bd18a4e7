"""Every page in a real browser: for any eye, hand and window."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import pytest

from customerio_tool import CallContext, Connection, Policy
from customerio_tool.backends import Backends
from customerio_tool.deadline import Clock as ToolClock
from customerio_tool.doors.ground import Ground
from customerio_tool.doors.workbench.app import all_pages
from customerio_tool.sandbox import Clock, Sandbox
from tests.support.chromium import DESK, HEIGHT, PHONE, Window, window
from tests.support.clients import SAVED_US
from tests.support.looks import EveryPage, Look, sight_of
from tests.support.page_forms import PageForm
from tests.support.requirements import requires
from tests.support.sandbox_api import NOW
from tests.support.workbench import Bench, workbench

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [requires("browser"), requires("npm")]

FILES = frozenset(
    f"{path}/{{{slot}}}"
    for path, slot in (
        ("/connections/{key}/export", "word"),
        ("/tool/export", "word"),
        ("/try/{subtool}/mail", "delivery"),
    )
)
"""What answers a GET and is no page of the workbench's own."""

LIVE = frozenset({"/try/{subtool}/confirm"})
"""What is shown of a live workspace alone."""

LONG = "Zoë" + "w" * 77
"""A name that no line of a phone holds."""

MAIL = {
    "to": "ada@example.com",
    "customer_id": "u1",
    "from_address": "shop@example.com",
    "subject": f"Your order, {LONG}",
    "body": "<h1>Thank you</h1>",
}
EVENT = {"customer_id": "u1", "name": "order_paid"}


def tried(bench: Bench, subtool: str, arguments: Mapping[str, str]) -> str:
    """Call a subtool by its form, and return the path of the page to which it leads."""
    path = f"/try/{subtool}"
    fields = PageForm(bench.get(path), path).fields
    given = {f"arg.{name}": value for name, value in arguments.items()}
    return bench.sent(path, {**fields, **given, "action": "call"}).headers["location"]


def waits(bench: Bench, customer_id: str) -> str:
    """Let an agent ask for a call that waits, and return its confirmation id."""
    context = CallContext(door="mcp", run_id=LONG)
    with bench.workspace.tool() as tool:
        asked = tool.call("delete_customer", {"customer_id": customer_id}, context=context)
    return str(asked["confirmation_id"])


def add_live(bench: Bench) -> None:
    """Add a live workspace, which nothing here calls, and choose it."""
    stores = Backends.on_clock(ToolClock())
    ground = Ground(Connection.load(SAVED_US), stores)
    bench.workspaces.add_connection(LONG, ground, Policy.open())


def shown(path: str, slots: Mapping[str, str]) -> str:
    """Return a path with a value in each of its slots."""
    return re.sub(r"\{(\w+)\}", lambda slot: slots[slot[1]], path)


@pytest.fixture(scope="module")
def served() -> Iterator[Bench]:
    """A workbench that has something to show on each page."""
    with (
        Sandbox(clock=Clock(frozen_at=NOW)) as local,
        workbench(local, environ={}) as bench,
    ):
        yield bench


@pytest.fixture(scope="module")
def looks(chromium: Browser, axe: str, served: Bench) -> dict[str, Look]:
    """Every page at a desk, and in a window as narrow as a phone."""
    with window(chromium, served.url) as here:
        here.go(f"/?token={served.tokens[-1]}")
        here.page.wait_for_url(f"{served.url}/")
        return {path: look(here, axe, path) for path in paths(served)}


def paths(bench: Bench) -> Iterator[str]:
    """Yield every page as it looks on the local workspace, and some on a live one.

    What is shown is made before its path is yielded.
    """
    yield "/?unused"
    mail = tried(bench, "send_transactional_email", MAIL)
    wrong = tried(bench, "track_event", {"customer_id": "", "data": "{", "name": LONG})
    bench.post("/agent/script", {"choice": "next"})
    bench.workspace.policy = Policy.careful()
    waiting, declined = waits(bench, "u1"), waits(bench, LONG)
    waits(bench, "u2")
    bench.post(f"/approvals/{declined}", {"choice": "decline", "workspace": "local"})
    slots = {
        "subtool": "identify_customer",
        "key": "local",
        "call_id": bench.workspace.recent.calls()[-1].start.call_id,
        "confirmation_id": waiting,
    }
    pages = {each.path for each in all_pages() if each.method == "GET"} - FILES - LIVE
    yield from sorted(shown(path, slots) for path in pages)
    yield from (mail, wrong, f"/approvals/{declined}", "/try/track_event?as=json")
    add_live(bench)
    yield from ("/tool?live", "/try/track_event", tried(bench, "track_event", EVENT))


def look(here: Window, axe: str, path: str) -> Look:
    """Look at a page."""
    sight = sight_of(here, axe, path)
    here.page.set_viewport_size({"width": PHONE, "height": HEIGHT})
    is_too_wide = here.scrolls_sideways()
    here.page.set_viewport_size({"width": DESK, "height": HEIGHT})
    return Look(sight=sight, is_too_wide=is_too_wide)


class TestEveryPage(EveryPage):
    """Of the workbench."""
