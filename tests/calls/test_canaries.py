"""Keys appear nowhere, and personal data in nothing that we write, however a call fails.

By design a result may hold: in a success, what a read returned and the id that the model gave; in
a failure, the vendor's words as `said`, and the call to look with as `error.look`. All else, and
every log, exception and printed line, is free of personal data. A traceback printed with its
locals shows no key; it does show the arguments as they were given, as a caller's own frame would.
"""

from __future__ import annotations

import http.client
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from customerio_tool import Api, CallContext, Connection, CustomerIoTool, Policy
from customerio_tool.backends import Backends
from customerio_tool.backends.ledger.memory import MemoryLedger
from customerio_tool.calls.call import Call
from customerio_tool.calls.request import request_for
from customerio_tool.calls.watch import keyed_hash
from customerio_tool.connection.exchange import Reply
from customerio_tool.deadline import Clock, Timeouts
from customerio_tool.errors import CustomerIoError, Look
from customerio_tool.sandbox import Sandbox
from customerio_tool.subtools import PAGE, subtools
from customerio_tool.subtools.declare import Answer, Subtool
from tests.support import canaries
from tests.support.canaries import (
    AT,
    ECHOED,
    KEYED,
    PERSON,
    Records,
    leaked_keys,
    locals_of,
    ours,
    texts_of,
)
from tests.support.clients import AnyPace
from tests.support.ledger_calls import Loseable
from tests.support.loopback import nobody_listening
from tests.support.timeouts import PATIENCE

NAMES = list(subtools())
PLAIN = {"get_campaign", "get_campaign_metrics", "get_segment", "delete_segment"}
WORDS = f"no such {PERSON}@example.com: {ECHOED}"
CA_FILE = "ca_file"
MUTE = "no answer"

Rule = dict[str, Any]
ENVELOPES: dict[str, Any] = {
    "meta.error": {"meta": {"error": WORDS}},
    "meta.errors": {"meta": {"errors": [WORDS, WORDS]}},
    "errors.detail": {"errors": [{"detail": WORDS, "source": {"pointer": f"/{PERSON}"}}]},
    "errors.reason": {"errors": [{"reason": WORDS, "field": PERSON, "message": WORDS}]},
}
FAULTS: dict[str, Rule] = {
    **{f"400 with {name}": {"status": 400, "body": body} for name, body in ENVELOPES.items()},
    "401": {"status": 401, "body": ENVELOPES["meta.error"]},
    "403": {"status": 403, "body": ENVELOPES["meta.error"]},
    "404": {"status": 404, "body": ENVELOPES["errors.detail"]},
    "429": {"status": 429, "body": ENVELOPES["meta.error"], "retry_after": 1},
    "503": {"status": 503, "body": WORDS},
    "500 of an applied call": {"status": 500, "apply": True, "body": ENVELOPES["meta.error"]},
    "reset before applying": {"action": "reset_before_applying"},
    "reset after applying": {"action": "reset_after_applying"},
    MUTE: {"action": "no_answer_after_applying"},
    "a body cut short": {"action": "cut_body", "body": {PERSON: WORDS}},
    "a page": {"action": "html_page"},
    "half of the JSON": {"action": "malformed_json", "body": {PERSON: WORDS}},
    "JSON of another kind": {"body": [PERSON]},
    "a body that is not gzip": {"body": WORDS, "headers": {"Content-Encoding": "gzip"}},
    "a redirect": {"action": "redirect", "url": f"https://evil.example/{PERSON}"},
    "a redirect to nowhere": {"action": "redirect", "url": f"http://[{PERSON}"},
    "no error": {},
}


def lost_ledger() -> Loseable:
    """Return a ledger whose store is gone."""
    ledger = Loseable(MemoryLedger())
    ledger.lost = True
    return ledger


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(options=KEYED) as running:
        yield running


@pytest.fixture(scope="module")
def tls_sandbox() -> Iterator[Sandbox]:
    with Sandbox(options=KEYED, tls=True) as running:
        yield running


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch) -> Iterator[Records]:
    """Everything that anybody logs at DEBUG, with `http.client` told to print what it does."""
    monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 1)
    root, handler = logging.getLogger(), Records()
    level = root.level
    root.setLevel(logging.DEBUG)
    root.addHandler(handler)
    yield handler
    root.removeHandler(handler)
    root.setLevel(level)


def tool_on(
    saved: dict[str, str], policy: Any = None, *, fault: str = "", **backends: Any
) -> CustomerIoTool:
    """A tool that gives up at once where the fault is that no answer comes."""
    return CustomerIoTool(
        saved,
        policy=policy,
        backends=Backends(limiter=AnyPace(), **backends),
        clock=Clock(sleep=lambda _: None),
        timeouts=Timeouts(connect=1.0, read=0.02 if fault == MUTE else PATIENCE),
    )


def outcome_of(
    tool: CustomerIoTool, name: str, arguments: Any, context: CallContext | None = None
) -> dict[str, Any] | CustomerIoError:
    """Return what a call returns or raises."""
    try:
        return tool.run(name, arguments, context=context)
    except CustomerIoError as error:
        return error


def assert_silent(
    tool: CustomerIoTool,
    name: str,
    arguments: Any,
    records: Records,
    capfd: pytest.CaptureFixture[str],
    context: CallContext | None = None,
) -> str:
    """Make the call, look through all that came of it, and return the code of its failure."""
    capfd.readouterr()
    progress: list[str] = []
    with tool:
        told_of = replace(context or CallContext(), on_progress=progress.append)
        told = outcome_of(tool, name, arguments, told_of)
    result = told.as_result() if isinstance(told, CustomerIoError) else told
    assert not leaked_keys(json.dumps(result, ensure_ascii=False))
    if isinstance(told, CustomerIoError):
        shown = texts_of(told)
        assert (told.__cause__, told.__context__) == (None, None)
        assert PERSON not in shown + ours(result)
        assert not leaked_keys(shown + locals_of(told))
    heard = "".join([records.text, *capfd.readouterr(), *progress])
    assert not leaked_keys(heard)
    assert PERSON not in heard
    assert any(name in text for text in records.texts)
    return "" if result["ok"] else str(result["error"]["code"])


# What the tests stand on


def test_the_marks_reach_every_subtool_of_the_page_that_takes_a_text() -> None:
    arguments = {name: json.dumps(canaries.arguments_of(subtools()[name])) for name in PAGE}
    assert {name for name, text in arguments.items() if PERSON not in text} == PLAIN


def test_a_leak_would_be_seen(records: Records, capfd: pytest.CaptureFixture[str]) -> None:
    logging.getLogger("urllib3.connectionpool").debug("PUT /customers/%s", PERSON)
    print(KEYED.track_api_key)  # noqa: T201 - what must be found
    assert PERSON in records.text
    assert leaked_keys(capfd.readouterr().out)


# Failures on the wire


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", NAMES)
def test_nothing_leaks_whatever_customer_io_does(
    sandbox: Sandbox,
    records: Records,
    capfd: pytest.CaptureFixture[str],
    name: str,
    fault: str,
) -> None:
    arguments = canaries.arguments_of(subtools()[name])
    sandbox.faults.set([FAULTS[fault]] if FAULTS[fault] else [])
    assert_silent(tool_on(sandbox.connection(), fault=fault), name, arguments, records, capfd)


@pytest.mark.parametrize("fault", FAULTS)
def test_no_key_leaks_where_the_connection_is_tested(
    sandbox: Sandbox, records: Records, capfd: pytest.CaptureFixture[str], fault: str
) -> None:
    sandbox.faults.set([FAULTS[fault]] if FAULTS[fault] else [])
    with tool_on(sandbox.connection(), fault=fault) as tool:
        result = tool.test_connection()
    assert not leaked_keys(json.dumps(result) + records.text + "".join(capfd.readouterr()))


@pytest.mark.parametrize("fault", ["401", "503", "reset after applying", "a redirect"])
@pytest.mark.parametrize("name", ["identify_customer", "get_customer_attributes"])
def test_nothing_leaks_where_the_region_cannot_be_learned(
    sandbox: Sandbox,
    records: Records,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    fault: str,
) -> None:
    """The vendor's hosts are the sandbox here, so that the region must be asked for."""
    here = {"us": sandbox.track_url, "eu": sandbox.track_url}
    monkeypatch.setattr("customerio_tool.connection.connection.HOSTS", dict.fromkeys(Api, here))
    saved = sandbox.connection()
    for key in ("region", "track_url", "app_url"):
        del saved[key]
    sandbox.faults.set([FAULTS[fault]])
    arguments, before = canaries.arguments_of(subtools()[name]), len(sandbox.requests())
    assert assert_silent(tool_on(saved), name, arguments, records, capfd) in (
        "credentials_rejected",
        "unreachable",
    )
    assert len(sandbox.requests()) > before, "the sandbox was not asked"


@pytest.mark.parametrize("name", NAMES)
def test_nothing_leaks_where_nobody_listens(
    records: Records, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    arguments = canaries.arguments_of(subtools()[name])
    with nobody_listening() as url:
        saved = {
            "site_id": KEYED.site_id,
            "track_api_key": KEYED.track_api_key,
            "app_api_key": KEYED.app_api_key,
            "track_url": url,
            "app_url": url,
        }
        assert assert_silent(tool_on(saved), name, arguments, records, capfd) == "unreachable"


@pytest.mark.parametrize("name", NAMES)
def test_nothing_leaks_and_nothing_is_sent_where_a_certificate_is_not_trusted(
    tls_sandbox: Sandbox, records: Records, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    saved = {key: value for key, value in tls_sandbox.connection().items() if key != CA_FILE}
    arguments = canaries.arguments_of(subtools()[name])
    assert assert_silent(tool_on(saved), name, arguments, records, capfd) == "unreachable"
    assert tls_sandbox.requests() == []


# Refusals


POLICIES: dict[str, dict[str, Any]] = {
    "read only": {"read_only": True},
    "other subtools": {"enabled": []},
    "other recipients": {"allowed_recipients": [f"{PERSON}.example.org"]},
    "other recipients, events let pass": {"allowed_recipients": [], "allow_triggers": True},
    "no sends": {"send_budget": 0},
    "a person asked": {"confirm": "human"},
    "a second look": {"confirm": "repeat"},
    "a dry run": {"dry_run": True},
}


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("name", NAMES)
def test_nothing_leaks_of_what_a_policy_refuses(
    sandbox: Sandbox,
    records: Records,
    capfd: pytest.CaptureFixture[str],
    name: str,
    policy: str,
) -> None:
    sandbox.reset()  # else a question shows the model what is stored of the person
    arguments = canaries.arguments_of(subtools()[name])
    tool = tool_on(sandbox.connection(), policy=POLICIES[policy])
    assert_silent(tool, name, arguments, records, capfd)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_leaks_of_arguments_that_are_wrong(
    sandbox: Sandbox, records: Records, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    sandbox.faults.clear()
    subtool = subtools()[name]
    good = canaries.arguments_of(subtool)
    values = (
        {"x": [PERSON]},
        [PERSON, {"x": PERSON}],
        f"{PERSON}\r\nX: y",
        f"{PERSON}\ud800",
        f" {PERSON}" * 20_000,
        f'{{"{PERSON}": NaN',
    )
    wrong: list[Any] = [
        {**good, each: value} for each in subtool.argument_names for value in values
    ]
    wrong += [f'{{"customer_id": "{PERSON}"', [PERSON], PERSON, {**good, "more": PERSON}]
    with tool_on(sandbox.connection(), policy={"dry_run": True}) as tool:
        for arguments in wrong:
            told = outcome_of(tool, name, arguments)
            if isinstance(told, CustomerIoError):
                told.corrected = told.look = None  # the model's own arguments, given back to it
                assert PERSON not in texts_of(told) + ours(told.as_result())
                assert not leaked_keys(locals_of(told))
    assert PERSON not in records.text + "".join(capfd.readouterr())


@pytest.mark.parametrize("name", [n for n, s in subtools().items() if s.effect.word == "send"])
def test_nothing_leaks_where_the_ledger_refuses(
    sandbox: Sandbox, records: Records, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    arguments = canaries.arguments_of(subtools()[name])
    sandbox.faults.set([{"action": "reset_after_applying"}])
    lost = tool_on(sandbox.connection(), ledger=lost_ledger())
    assert assert_silent(lost, name, arguments, records, capfd) == "ledger_unavailable"
    best_effort = tool_on(sandbox.connection(), ledger=lost_ledger(), best_effort=True)
    assert assert_silent(best_effort, name, arguments, records, capfd) == "outcome_unknown"
    kept = MemoryLedger()
    for _ in ("lost", "told of the lost one"):
        tool = tool_on(sandbox.connection(), ledger=kept)
        assert assert_silent(tool, name, arguments, records, capfd) == "outcome_unknown"


@pytest.mark.parametrize("name", NAMES)
def test_nothing_leaks_of_a_call_that_is_cancelled_or_too_late(
    sandbox: Sandbox, records: Records, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    sandbox.faults.clear()
    arguments = canaries.arguments_of(subtools()[name])
    for context in (CallContext(cancelled=lambda: True), CallContext(deadline_seconds=0.0)):
        tool = tool_on(sandbox.connection())
        assert assert_silent(tool, name, arguments, records, capfd, context)


# What our values show of themselves


@pytest.mark.parametrize("name", NAMES)
def test_no_value_of_a_call_shows_what_it_holds(name: str) -> None:
    subtool: Subtool[Any] = subtools()[name]
    args = subtool.parse(canaries.arguments_of(subtool))
    request = request_for(Call(subtool, args, AT))
    reply = Reply(200, {"X": PERSON}, PERSON.encode())
    values: list[Any] = [
        args,
        *dict(args).values(),
        request,
        reply,
        Answer(args, AT, {"a": PERSON}, {"b": PERSON}),
        Call(subtool, args, AT, CallContext()),
        subtool.reach(args) if subtool.reach else None,
        subtool.look(args, AT) if subtool.look else None,
        Look("list_messages", {"customer_id": PERSON}),
        Policy(allowed_recipients=[f"{PERSON}@example.com"]),
    ]
    plain = (str, bytes, int, float, dict, list, tuple, type(None))
    for value in (each for each in values if not isinstance(each, plain)):
        assert PERSON not in f"{value!r} {value} {value:}"
    nested = [value for value in values if isinstance(value, (dict, list, tuple))]
    models = [item for value in nested for item in value if not isinstance(item, plain)]
    assert PERSON not in repr(models)


def test_no_part_of_a_tool_shows_a_key() -> None:
    saved = {"site_id": KEYED.site_id, "track_api_key": KEYED.track_api_key}
    saved |= {"app_api_key": KEYED.app_api_key, "region": "us"}
    with CustomerIoTool(saved) as tool:
        parts = [tool, tool.handlers, *vars(tool).values(), *vars(tool._client).values()]
        shown = f"{parts!r}{[str(part) for part in parts]}{Connection.load(saved)!r}"
    assert not {secret for secret in leaked_keys(shown) if secret != "kk7key"}


def test_the_hash_of_a_person_is_not_the_same_for_two_keys() -> None:
    assert keyed_hash(b"one", PERSON) != keyed_hash(b"other", PERSON)
    assert PERSON not in keyed_hash(b"one", PERSON)
