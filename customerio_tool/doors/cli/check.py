"""The command `check`: what is configured, whether it works, and what to do where it does not."""

from __future__ import annotations

from dataclasses import asdict

from customerio_tool.doors.cli.connecting import connected
from customerio_tool.doors.cli.display import (
    fail,
    fail_with,
    new_console,
    show_findings,
    write_json,
)
from customerio_tool.doors.cli.exit_codes import exit_of_check
from customerio_tool.doors.cli.findings import findings_of
from customerio_tool.doors.cli.options import AsJson, Lookups, OnSandbox
from customerio_tool.errors import CustomerIoError
from customerio_tool.subtools.declare.endpoint import ALL_APIS


def check(lookups: Lookups = False, on_sandbox: OnSandbox = False, as_json: AsJson = False) -> None:
    """Check the configuration, both API keys, the region, the clock and the shared stores.

    It reads from Customer.io, and changes nothing there. Of each variable it shows the name, and
    of no key the value.
    """
    try:
        with connected(ALL_APIS, on_sandbox=on_sandbox, lookups=lookups) as tool:
            result = tool.test_connection()
            findings = list(findings_of(tool, result, on_sandbox=on_sandbox))
    except CustomerIoError as error:
        if as_json:
            write_json(error.as_result())
        fail_with(error.as_result())
    if as_json:
        write_json({**result, "findings": [asdict(each) for each in findings]})
    else:
        show_findings(new_console(), findings)
    if not result["ok"]:
        fail(result["summary"], exit_of_check(result))
