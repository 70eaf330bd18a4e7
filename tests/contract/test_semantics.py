"""The local Customer.io shows every free-standing fact over HTTP that a server can show."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from customerio_tool.sandbox import Clock, Sandbox
from tests.contract import (
    probes_access,
    probes_events,
    probes_liquid,
    probes_people,
    probes_reads,
    probes_sends,
)
from tests.contract.probes import PROBES
from tests.support.facts import load
from tests.support.sandbox_api import NOW, Api

FACTS = load()
WITHOUT_PROBE = {
    "key-ip-list": "The local Customer.io is on one machine.",
    "send-forbidden": "The account of the local Customer.io is approved.",
    "newer-words": "What pages say.",
    "region-unauthorized": "What two documents say.",
    "redirect-keeps-method": "What a client does.",
    "redirect-credentials": "What a client does.",
    "no-auth-probe": "A web page, not served.",
    "ip-list-probe": "Not served.",
    "empty-body": "What a client does.",
    "null-lists": "Lists of the demo are not empty; clients read both.",
    "sizes-lifted": "What the vendor's support does.",
    "track-statuses": "What a document says.",
    "track-other-statuses": "What a document leaves out.",
    "track-whole-request": "What a document leaves out.",
    "rate-scope": "There is one key of each kind.",
    "error-status-type": "What two documents say.",
    "non-json-errors": "A fault: tests of faults and of failures.",
}
"""Facts that no call to one server can show, and why."""

MODULES = (
    *(probes_access, probes_people, probes_events, probes_sends, probes_liquid),
    probes_reads,
)


@pytest.fixture
def api() -> Iterator[Api]:
    with Sandbox(clock=Clock(frozen_at=NOW)) as sandbox:
        client = Api(sandbox)
        with client.session:
            yield client


def test_every_fact_is_shown_or_says_why_not() -> None:
    assert not PROBES.keys() & WITHOUT_PROBE.keys()
    assert PROBES.keys() | WITHOUT_PROBE.keys() == {fact.id for fact in FACTS.facts}


def test_every_probe_stands_in_one_of_the_modules_that_are_read() -> None:
    assert {probe.__module__ for probe in PROBES.values()} == {held.__name__ for held in MODULES}


def test_a_fact_in_doubt_that_is_shown_says_whether_it_holds() -> None:
    doubtful = {fact.id: fact for fact in FACTS.facts if not fact.verified}
    told = {name for name, fact in doubtful.items() if fact.holds is not None}
    assert told == doubtful.keys() & PROBES.keys()


@pytest.mark.parametrize("fact_id", PROBES)
def test_the_local_customer_io_does_what_the_fact_says_of_it(api: Api, fact_id: str) -> None:
    fact = FACTS.fact(fact_id)
    assert PROBES[fact_id](api) is (fact.verified or fact.holds), fact.sentence
