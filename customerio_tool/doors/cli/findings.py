"""What `check` finds about each part of the configuration, with what to do about it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from customerio_tool.backends.backends import (
    AUDIT_FILE_VARIABLE,
    LEDGER_FILE_VARIABLE,
    RATES_VARIABLE,
    THREADS_VARIABLE,
)
from customerio_tool.backends.ledger.entry import Ledger
from customerio_tool.backends.redis_client import REDIS_URL_VARIABLE
from customerio_tool.doors.cli.options import TOKEN_VARIABLE
from customerio_tool.doors.credentials import VARIABLES as OF_CONNECTION
from customerio_tool.policy.policy import VARIABLES, Policy
from customerio_tool.subtools import all_subtools, subtools
from customerio_tool.subtools.declare.endpoint import Api
from customerio_tool.subtools.declare.wording import meant
from customerio_tool.tool import CustomerIoTool

State: TypeAlias = Literal["ok", "warning", "failed", "off"]

_PREFIX = "CUSTOMERIO_"
_OF_BACKENDS = (
    *(LEDGER_FILE_VARIABLE, REDIS_URL_VARIABLE, AUDIT_FILE_VARIABLE),
    *(RATES_VARIABLE, THREADS_VARIABLE),
)
_READ = (*OF_CONNECTION.values(), *VARIABLES.values(), *_OF_BACKENDS, TOKEN_VARIABLE)

MAX_CLOCK_SECONDS = 60
"""How far this machine's clock may be from Customer.io's before `check` warns."""


@dataclass(frozen=True)
class Finding:
    """What was found about one part.

    Args:
        part: The name of the part.
        state: Whether it works; `off` means that it is not used.
        found: What was found, in words.
        fix: What to do; empty where nothing is to be done.
    """

    part: str
    state: State
    found: str
    fix: str = ""


def findings_of(
    tool: CustomerIoTool, result: Mapping[str, Any], *, on_sandbox: bool
) -> Iterator[Finding]:
    """Yield what was found about each part, keys and policy first.

    Args:
        tool: The tool that was tested.
        result: What its `test_connection` returned.
        on_sandbox: Whether it is on a sandbox; then the environment names no stores.
    """
    yield _connection(on_sandbox=on_sandbox)
    yield from _misspelt()
    yield _policy(tool)
    for api, title in (("track", "Track API"), ("app", "App API")):
        if api in result:
            yield _key(title, result[api])
    yield from _account(result, on_sandbox=on_sandbox)
    if "clock_ahead_seconds" in result:
        yield _clock(result["clock_ahead_seconds"])
    if not on_sandbox:
        yield from _stores(result, tool)


def _set_of(names: Iterable[str]) -> list[str]:
    return [name for name in names if os.environ.get(name, "").strip()]


def _connection(*, on_sandbox: bool) -> Finding:
    if on_sandbox:
        return Finding("Connection", "ok", "a new local Customer.io, for this command alone")
    return Finding("Connection", "ok", f"from {', '.join(_set_of(OF_CONNECTION.values()))}")


def _misspelt() -> Iterator[Finding]:
    """Yield the variables that nothing reads and that look like one that is read."""
    known = [name.removeprefix(_PREFIX).lower() for name in _READ]
    for name in sorted(os.environ):
        if not name.startswith(_PREFIX) or name in _READ:
            continue
        if near := meant(name.removeprefix(_PREFIX).lower(), known):
            fix = f"rename it if you meant {_PREFIX}{near.upper()}"
            yield Finding("Environment", "warning", f"{name} is set, and nothing reads it", fix)


def _policy(tool: CustomerIoTool) -> Finding:
    names, policy = _set_of(VARIABLES.values()), tool.policy
    source = f"from {', '.join(names)}" if names else "the default"
    known = all_subtools() if policy.lookups else subtools()
    what = f"{len(tool.subtools())} of {len(known)} subtools may run"
    how = "a dry run, nothing is sent" if policy.dry_run else f"confirm: {_confirm(policy)}"
    return Finding("Policy", "ok", f"{source}; {what}; {how}")


def _confirm(policy: Policy) -> str:
    if isinstance(policy.confirm, str):
        return policy.confirm
    return ", ".join(f"{word} for {effect}" for effect, word in policy.confirm.items()) or "never"


def _key(title: str, found: Mapping[str, Any]) -> Finding:
    after = f"; answered after {found['seconds']:.2f} s" if "seconds" in found else ""
    if found["ok"]:
        return Finding(title, "ok", f"the key is accepted{after}")
    fix = "" if "seconds" in found else "check this machine's network, its DNS and its proxy"
    return Finding(title, "failed", found["problem"], fix)


def _account(result: Mapping[str, Any], *, on_sandbox: bool) -> Iterator[Finding]:
    if region := result.get("region"):
        name = f"{_PREFIX}REGION"
        has_own_hosts = len(_set_of((f"{_PREFIX}TRACK_URL", f"{_PREFIX}APP_URL"))) == len(Api)
        is_named = on_sandbox or has_own_hosts or bool(_set_of((name,)))
        fix = "" if is_named else f"set {name}={region}, which spares each process a request"
        yield Finding("Region", "ok", region, fix)
    if (workspace := result.get("workspace_id")) is not None:
        yield Finding("Workspace", "ok", f"number {workspace}")


def _clock(ahead: float) -> Finding:
    side = "ahead of" if ahead > 0 else "behind"
    if abs(ahead) <= MAX_CLOCK_SECONDS:
        found = "agrees with Customer.io's to a minute"
        return Finding("Clock", "ok", found)
    found = f"this machine's is {abs(ahead):.0f} s {side} Customer.io's"
    return Finding("Clock", "warning", found, "set it by NTP; events are dated by it")


def _stores(result: Mapping[str, Any], tool: CustomerIoTool) -> Iterator[Finding]:
    choose = f"set {LEDGER_FILE_VARIABLE}, or {REDIS_URL_VARIABLE} for several machines"
    if "ledger" in result:
        yield _ledger(result["ledger"], tool.backends.ledger)
    else:
        found = "in memory: no other process knows what this one sent"
        yield Finding("Ledger", "warning", found, choose)
    if tool.shares_approvals:
        checked = result.get("approvals", {"ok": True})
        yield _store("Approvals", checked, "keep the calls that wait for a person")
    else:
        found = "in memory: a call that waits for a person ends with its process"
        yield Finding("Approvals", "warning", found, choose)
    if "redis" in result:
        yield _store("Redis", result["redis"], "keeps the rate limits")
    else:
        yield Finding("Redis", "off", "not used; this process keeps the rate limits alone")


def _ledger(checked: Mapping[str, Any], ledger: Ledger) -> Finding:
    lossy_settings = getattr(ledger, "lossy_settings", None)  # of Redis; no other store has any
    lossy = lossy_settings() if lossy_settings and checked["ok"] else {}
    if not lossy:
        return _store("Ledger", checked, "keeps what was sent")
    losses = " and ".join(f"{_LOSSES[name][0]} ({value})" for name, value in lossy.items())
    found = f"its Redis {losses}: a message may go twice"
    right = " and ".join(f"{name} to {_LOSSES[name][1]}" for name in lossy)
    return Finding("Ledger", "warning", found, f"in that Redis, set {right}")


_LOSSES: Mapping[str, tuple[str, str]] = {
    "maxmemory-policy": ("evicts entries when its memory is full", "noeviction"),
    "appendonly": ("appends nothing to a file, so that a crash loses the last sends", "yes"),
}
"""Settings of Redis by which the ledger may lose entries: what each does, and its right value."""


def _store(part: str, checked: Mapping[str, Any], good: str) -> Finding:
    if checked["ok"]:
        return Finding(part, "ok", good)
    is_file = part != "Redis" and _set_of((LEDGER_FILE_VARIABLE,))
    fix = (
        f"set {LEDGER_FILE_VARIABLE} to a file that this user may write, in a folder that exists"
        if is_file
        else f"start Redis, or correct {REDIS_URL_VARIABLE}"
    )
    return Finding(part, "failed", checked["problem"], fix)
