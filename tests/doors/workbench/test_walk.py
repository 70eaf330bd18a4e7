"""A person walks through the workbench in a real browser, with scripts and without."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from customerio_tool import CallContext
from customerio_tool.doors.workbench import live
from customerio_tool.sandbox import Sandbox
from tests.support.chromium import Window, window
from tests.support.requirements import requires
from tests.support.shell import environment
from tests.support.workbench import Bench, workbench

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

pytestmark = requires("browser")

TWO = ("identify_customer", "get_customer_attributes")
MAIL = {
    "to": "ada@example.com",
    "customer_id": "u1",
    "from_address": "shop@example.com",
    "subject": "Your order",
    "body": "<h1>Thank you, Ada</h1>",
}
WAYS = pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])


@contextmanager
def let_in(chromium: Browser, scripts: bool) -> Iterator[tuple[Bench, Window]]:
    """Serve a workbench, and open its link."""
    with (
        Sandbox() as local,
        workbench(local, environ={}) as bench,
        window(chromium, bench.url, scripts=scripts) as here,
    ):
        here.go(f"/?token={bench.tokens[-1]}")
        here.page.wait_for_url(f"{bench.url}/")
        yield bench, here


def menu(page: Page, name: str) -> None:
    page.get_by_role("navigation", name="Pages").get_by_role("link", name=name).click()


def pick(page: Page, subtool: str) -> None:
    """Open the form of a subtool."""
    menu(page, "Try")
    page.get_by_role("complementary").get_by_role("link", name=subtool, exact=True).click()


def fill(page: Page, **arguments: str) -> None:
    """Fill in the form of a subtool."""
    for name, value in arguments.items():
        field = page.locator(f"#arg-{name}")
        if not field.is_visible():
            page.locator("summary", has_text="more arguments").click()
        field.fill(value)


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def verdict(page: Page) -> Locator:
    return page.get_by_role("region", name="The result").get_by_role("status")


def panel(page: Page, name: str) -> Locator:
    """A part of the result: its effect, or what went over the wire."""
    return page.locator(f"#{name}")


def sent(sandbox: Sandbox) -> list[str]:
    """The subjects of what went out."""
    return [each["subject"] for each in sandbox.state()["deliveries"]]


@WAYS
def test_a_connection_is_saved_and_tested_and_a_call_tried(
    chromium: Browser, scripts: bool
) -> None:
    from playwright.sync_api import expect

    with Sandbox() as theirs, let_in(chromium, scripts) as (_, here):
        page = here.page
        page.get_by_role("link", name="Give your keys").click()
        lines = (f"{name}={value}" for name, value in environment(theirs.connection()).items())
        page.get_by_label("A .env file").fill("\n".join(lines))
        page.get_by_label("Name").fill("Theirs")
        press(page, "Save and test")
        rows = page.locator("tbody tr")
        expect(rows).to_contain_text(["Track API", "Region", "App API"])
        expect(rows).to_contain_text(["works", "us", "works"])
        assert not any(key in page.content() for key in (theirs.track_api_key, theirs.app_api_key))

        menu(page, "Tool")
        for switch in page.get_by_role("switch").all():
            switch.set_checked(switch.get_attribute("value") in TWO)
        if scripts:
            expect(page.locator("#count")).to_contain_text("2 of 24 on")
        page.get_by_role("button", name="Save").first.click()
        expect(page.locator("#count")).to_contain_text("2 of 24 on")

        pick(page, "Identify Customer")
        fill(page, customer_id="zoë/1", attributes='{"plan": "pro"}')
        press(page, "Dry run")
        expect(verdict(page)).to_contain_text("dry run")
        request = page.locator(".pane", has_text="The request that would be sent")
        expect(request).to_contain_text('"plan": "pro"')
        assert theirs.requests()[-1]["operation"] != "identify"
        press(page, "Call")
        expect(verdict(page)).to_contain_text("accepted")
        page.get_by_role("link", name="Read whether it took effect").click()
        expect(page.locator("#arg-customer_id")).to_have_value("zoë/1")
        press(page, "Call")
        expect(page.get_by_label("The result envelope")).to_contain_text('"plan": "pro"')
        assert (here.said, here.foreign) == ([], [])


@WAYS
def test_a_fault_is_set_in_the_console_and_the_wire_shows_it(
    chromium: Browser, scripts: bool
) -> None:
    from playwright.sync_api import expect

    with let_in(chromium, scripts) as (_, here):
        page = here.page
        with page.expect_popup() as opened:
            menu(page, "Console")
        console = opened.value
        console.get_by_role("navigation").get_by_role("link", name="Faults").click()
        console.get_by_role("combobox", name="Operation").select_option("track")
        console.get_by_role("textbox", name="Status").fill("400")
        console.get_by_role("textbox", name="At most, times").fill("1")
        press(console, "Add the fault")
        expect(console.get_by_role("status")).to_have_text("The fault is in force.")

        pick(page, "Track Event")
        page.get_by_role("link", name="1", exact=True).click()
        press(page, "Call")
        expect(verdict(page)).to_contain_text("request rejected")
        expect(panel(page, "wire").locator("summary .pill")).to_have_text("400")
        expect(panel(page, "effect")).to_contain_text("Nothing changed.")
        expect(panel(page, "effect")).to_contain_text("A fault hit request")
        press(page, "Call")
        expect(verdict(page)).to_contain_text("accepted")
        expect(panel(page, "wire").locator("summary .pill")).to_have_text("200")
        expect(panel(page, "effect")).to_contain_text("order_paid")
        assert here.said == []


@WAYS
def test_a_send_waits_for_a_person_and_goes_when_it_is_approved(
    chromium: Browser, scripts: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from playwright.sync_api import expect

    monkeypatch.setattr(live, "LOOK_SECONDS", 0.05)
    with let_in(chromium, scripts) as (bench, here):
        page = here.page
        menu(page, "Tool")
        page.get_by_role("button", name="Careful").click()
        expect(page.get_by_role("button", name="Careful")).to_contain_text("in force")
        menu(page, "Approvals")
        expect(page.get_by_text("No call waits for a person.")).to_be_visible()

        agent = page.context.new_page()
        agent.goto("/try/send_transactional_email")
        fill(agent, **MAIL)
        press(agent, "Call")
        expect(verdict(agent)).to_contain_text("It waits for a person.")
        assert MAIL["subject"] not in sent(bench.local)

        if not scripts:
            page.reload()
        expect(page.locator("#badge")).to_have_text("1")
        expect(page.locator("#badge")).to_be_visible()
        page.get_by_role("button", name="Approve and run once: Send the e-mail").click()
        expect(page.get_by_text("You approved this call, and it ran once.")).to_be_visible()
        expect(page.locator("#badge")).to_be_hidden()
        assert MAIL["subject"] in sent(bench.local)

        menu(page, "Calls")
        expect(page.locator("tbody tr").first).to_contain_text("send_transactional_email")
        expect(page.locator("tbody tr").first).to_contain_text("approved")
        assert (here.said, here.foreign) == ([], [])


def test_what_one_reads_stays_under_the_focus_where_nothing_changed(
    chromium: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "LOOK_SECONDS", 0.05)
    with let_in(chromium, scripts=True) as (bench, here), bench.workspace.tool() as tool:
        tool.call("list_segments", context=CallContext(run_id="run-1"))
        here.go("/calls?subtool=list_segments")
        here.page.get_by_role("link", name="run-1").focus()
        here.page.evaluate("document.activeElement.isSeen = true")
        with here.page.expect_response(lambda got: got.request.resource_type == "fetch"):
            tool.call("list_campaigns")
        here.page.evaluate("() => loading")
        assert here.page.evaluate("document.activeElement.isSeen") is True
