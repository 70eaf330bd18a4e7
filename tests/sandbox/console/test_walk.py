"""A person walks through the console in a real browser, with scripts and without."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from customerio_tool import CustomerIoTool
from customerio_tool.deadline import Clock as ToolClock
from customerio_tool.sandbox import Clock, Sandbox
from tests.support.chromium import Window, window
from tests.support.requirements import requires
from tests.support.sandbox_api import NOW

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Frame, Locator, Page

pytestmark = requires("browser")

LETTER = """<h1>Thank you, Ada</h1><p id="wish">Come again</p>
<script>document.getElementById("wish").textContent = "A script was here"</script>"""
SEED = {
    "people": [
        {
            "id": f"user-{number}",
            "email": f"user-{number}@example.com",
            "attributes": {"first_name": name},
            "events": [{"name": "signed_up", "data": {"plan": "pro"}}],
        }
        for number, name in enumerate(("Ada", "Grace", "Zoë"))
    ]
}


@contextmanager
def begun(chromium: Browser, scripts: bool = True) -> Iterator[tuple[Sandbox, Window]]:
    """Run a local Customer.io, with its console's first page open."""
    with (
        Sandbox(seed=SEED, clock=Clock(frozen_at=NOW)) as sandbox,
        window(chromium, sandbox.track_url, scripts=scripts) as here,
    ):
        here.go("/")
        yield sandbox, here


def tool(sandbox: Sandbox) -> CustomerIoTool:
    """A tool on the sandbox that waits for nothing."""
    return CustomerIoTool(
        sandbox.connection(), clock=ToolClock(now=lambda: NOW, sleep=lambda _: None)
    )


def menu(page: Page, name: str) -> None:
    page.get_by_role("navigation").get_by_role("link", name=name, exact=True).click()


def words(frame: Frame) -> list[str]:
    """The lines of a message; where scripts are forbidden, nothing else of the driver answers."""
    text: str = frame.evaluate("document.body.innerText")
    return [line for line in text.splitlines() if line]


def newest(page: Page) -> Locator:
    """The newest row of the log."""
    return page.locator("#log tr").first


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_person_is_found_and_their_history_is_read(chromium: Browser, scripts: bool) -> None:
    from playwright.sync_api import expect

    with begun(chromium, scripts) as (_, here):
        page = here.page
        menu(page, "People")
        page.get_by_label("Search by").fill("grace")
        page.get_by_role("button", name="Search").click()
        expect(page.locator("tbody tr")).to_have_count(1)
        page.get_by_role("link", name="user-1").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("user-1")
        expect(page.locator("tbody tr")).to_contain_text(["signed_up"])
        assert here.said == []


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_message_is_read_as_it_looks_and_its_script_does_not_run(
    chromium: Browser, scripts: bool
) -> None:
    with begun(chromium, scripts) as (sandbox, here):
        page = here.page
        mail = {
            "to": "user-0@example.com",
            "customer_id": "user-0",
            "from_address": "shop@example.com",
            "subject": "Your order",
            "body": LETTER,
        }
        assert tool(sandbox).call("send_transactional_email", mail)["ok"]
        menu(page, "Deliveries")
        page.get_by_role("link", name="Your order").click()
        page.wait_for_url("**/deliveries/*")
        _, frame = page.frames
        assert words(frame) == ["Thank you, Ada", "Come again"]
        here.go(page.get_by_role("link", name="Open it alone").get_attribute("href") or "")
        assert words(page.main_frame) == ["Thank you, Ada", "Come again"]
        assert here.said, "the browser says that it stopped a script"
        assert all(line.startswith("Blocked script execution") for line in here.said)


def test_a_fault_is_set_and_its_call_arrives_in_the_log_while_one_looks(chromium: Browser) -> None:
    from playwright.sync_api import expect

    with begun(chromium) as (sandbox, here):
        page = here.page
        menu(page, "Faults")
        page.get_by_role("combobox", name="Operation").select_option("identify")
        page.get_by_role("textbox", name="Status").fill("500")
        page.get_by_role("textbox", name="At most, times").fill("1")
        page.get_by_role("button", name="Add the fault").click()
        expect(page.get_by_role("status")).to_have_text("The fault is in force.")
        menu(page, "Requests")
        expect(page.locator("#live")).to_have_text("live")
        person = {"customer_id": "user-9", "attributes": {"plan": "pro"}}
        page.evaluate("document.body.dataset.shown = 'since before'")
        assert tool(sandbox).call("identify_customer", person)["ok"]
        expect(page.locator("#log tr")).to_have_count(2)
        expect(page.locator("#log tr").last).to_contain_text("500")
        expect(page.locator("#log tr").last).to_contain_text("fault: answer")
        tool(sandbox).call("delete_customer", {"customer_id": "nobody"})
        expect(newest(page).locator(".why")).to_have_text("unknown person")
        assert page.evaluate("document.body.dataset.shown") == "since before", "it was not reloaded"
        assert here.said == []


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_all_that_can_be_switched_is_switched_by_click(chromium: Browser, scripts: bool) -> None:
    from playwright.sync_api import expect

    with begun(chromium, scripts) as (sandbox, here):
        page, done = here.page, here.page.get_by_role("status")
        sandbox.fault(operation="track", status=500)
        menu(page, "Faults")
        page.get_by_role("button", name="Clear all faults").click()
        expect(done).to_have_text("All faults are cleared.")
        assert sandbox.faults.is_empty
        menu(page, "Workspace")
        page.get_by_label("Name").fill("three people")
        page.get_by_role("button", name="Take a snapshot").click()
        expect(done).to_have_text("The snapshot was taken.")
        page.get_by_role("button", name="+ 1 day").click()
        expect(done).to_have_text("The clock was moved.")
        assert sandbox.clock.now() == NOW + 86_400
        page.get_by_role("button", name="Reset to nothing").click()
        expect(done).to_have_text("The workspace was reset.")
        assert sandbox.state()["people"] == []
        page.get_by_role("button", name="Restore").click()
        expect(done).to_have_text("The workspace is as it was in the snapshot.")
        assert len(sandbox.state()["people"]) == len(SEED["people"])
        assert here.said == []
