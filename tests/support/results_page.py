"""The page with every sentence that a model may read: of results, of failures, of wrong arguments.

All are made by calls of the tool, on a local Customer.io on which time stands still, and on answers
that are made up. `python -m tests.support.results_page` writes the page.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from customerio_tool import Backends, Clock, CustomerIoTool
from customerio_tool.subtools import PAGE as NAMES
from customerio_tool.subtools import all_subtools, lookups, subtools
from tests.subtools.test_wrong_calls import NOW, ROWS, SAVED
from tests.support.answers import session_with
from tests.support.clients import AnyPace
from tests.support.footprints import Ground, ground
from tests.support.project import ROOT

PAGE = ROOT / "docs" / "reference" / "every-result.md"
STATUSES = (400, 401, 403, 404, 413, 422, 429, 500)
POLICIES: Mapping[str, Any] = {
    "`enabled` without it": {"enabled": ["list_segments"]},
    "`read_only`": {"read_only": True},
    "`confirm: human`": {"confirm": "human"},
    "`confirm: repeat`": {"confirm": "repeat"},
    "`send_budget: 0`": {"send_budget": 0},
}
INVENTED = (
    *("get_campaigns", "unsubscribe_customer", "rename_campaign", "get_segmnt", "fix_arguments"),
    "frobnicate",
)
_MOST_CHARS = 160
_VARIES = re.compile(r"\b[0-7][0-9A-HJKMNP-TV-Z]{25}\b|\b[0-9a-f]{16,}\b|\bRPILC\w+")


def page() -> str:
    """Return the page."""
    place = ground()
    try:
        parts = [_HEAD, *_successes(place), *_failures(), *_policies(place), *_unknown(), *_wrong()]
    finally:
        place.sandbox.close()
    return "\n".join(parts) + "\n"


_HEAD = """# What a model reads

Every `summary` and every error, side by side. `python -m tests.support.results_page` writes this
page. `try` is the arguments to send next, `look` the call that finds what is needed.
"""


def _successes(place: Ground) -> Iterator[str]:
    yield "## Calls that worked\n"
    rows = []
    for name in (*NAMES, *lookups()):
        policy = {"lookups": True} if name in lookups() else None
        for example in all_subtools()[name].examples:
            place.sandbox.restore("before")
            result = _tool_on(place, policy).call(name, example.arguments)
            rows.append(
                [f"`{name}`", _code(example.arguments), result.get("outcome", ""), *_told(result)]
            )
    yield _table(("Subtool", "Arguments", "Outcome", "Summary", "`try` or `look`"), rows)


def _tool_on(place: Ground, policy: Any = None) -> CustomerIoTool:
    clock = Clock(now=place.sandbox.clock.now, sleep=lambda _: None, entropy=bytes)
    return CustomerIoTool(
        place.sandbox.connection(),
        policy=policy,
        backends=Backends(limiter=AnyPace()),
        clock=clock,
    )


def _failures() -> Iterator[str]:
    yield "## Answers that are no success\n"
    rows = []
    for status in STATUSES:
        told: dict[tuple[str, ...], list[str]] = {}
        for name in NAMES:
            result = _answered(name, status)
            error = result["error"]
            told.setdefault((error["code"], error["next_step"], *_told(result)), []).append(name)
        rows += [
            [str(status), ", ".join(f"`{n}`" for n in names), *key] for key, names in told.items()
        ]
    yield _table(("HTTP", "Subtools", "Code", "`next_step`", "Summary", "`try` or `look`"), rows)


def _answered(name: str, status: int) -> dict[str, Any]:
    session = session_with({"meta": {"error": "no"}}, status)
    clock = Clock(now=lambda: NOW, sleep=lambda _: None, entropy=bytes)
    backends = Backends(limiter=AnyPace())
    with CustomerIoTool(SAVED, session=session, backends=backends, clock=clock) as tool:
        return tool.call(name, subtools()[name].examples[0].arguments)


def _policies(place: Ground) -> Iterator[str]:
    yield "## What a policy does not let pass\n"
    rows = []
    for words, policy in POLICIES.items():
        told: dict[tuple[str, ...], list[str]] = {}
        for name in NAMES:
            place.sandbox.restore("before")
            result = _tool_on(place, policy).call(name, subtools()[name].examples[0].arguments)
            if not result["ok"]:
                error = result["error"]
                told.setdefault((error["code"], error["next_step"], *_told(result)), []).append(
                    name
                )
        rows += [[words, ", ".join(f"`{n}`" for n in names), *key] for key, names in told.items()]
    yield _table(("Policy", "Subtools", "Code", "`next_step`", "Summary", "`try` or `look`"), rows)


def _unknown() -> Iterator[str]:
    yield "## Subtools that there are not\n"
    with CustomerIoTool(SAVED) as tool:
        rows = [[f"`{name}`", _cut(tool.call(name)["summary"])] for name in INVENTED]
    yield _table(("Name", "Summary"), rows)


def _wrong() -> Iterator[str]:
    yield "## Wrong arguments\n"
    clock = Clock(now=lambda: NOW)
    rows = []
    for row in ROWS.values():
        policy = {"dry_run": True, "lookups": row.subtool in lookups()}
        with CustomerIoTool(SAVED, policy=policy, clock=clock) as tool:
            told = _told(tool.call(row.subtool, row.given))
        rows.append([f"`{row.subtool}`", _code(row.given), *told])
    yield _table(("Subtool", "Arguments", "Summary", "`try` or `look`"), rows)


def _told(result: Mapping[str, Any]) -> tuple[str, str]:
    """Return the summary, and the call that an error has for the model."""
    error = result.get("error", {})
    calls = [f"{name}: {_code(error[name])}" for name in ("try", "look") if name in error]
    return _VARIES.sub("…", result["summary"]), " ".join(calls)


def _code(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=True)
    return f"`{_cut(_VARIES.sub('…', text))}`"


def _cut(text: str) -> str:
    plain = text.encode("ascii", "backslashreplace").decode().replace("`", "'").replace("\n", " ")
    return plain if len(plain) <= _MOST_CHARS else f"{plain[:_MOST_CHARS]}…"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    cells = ([cell.replace("|", r"\|") for cell in line] for line in lines)
    return "".join(f"| {' | '.join(line)} |\n" for line in cells)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
