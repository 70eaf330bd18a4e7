"""What a list of messages shows of an earlier call: that it went, that it did not, or neither."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from customerio_tool.backends.ledger.entry import Entry
from customerio_tool.calls.call import Call, CallContext
from customerio_tool.calls.doubts import Doubt, Sight, earlier_calls, look_for
from customerio_tool.errors import Look
from customerio_tool.subtools import find
from customerio_tool.subtools.declare import Addressee, Invocation
from tests.support.clients import example_of
from tests.support.ledger_calls import START

ENDS = START + 20
FIRST, LAST = int(START) - 300, int(ENDS) + 300
NOW = ENDS + 600
AT = Invocation(now=START + 1000, workspace="w", ulid="01JD5T3Q6C9W4Y2M8K7H1N0PZX")
U1 = ("id", "u1")
IDS = {"id": "u1", "email": "ada@example.com", "cio_id": "0a"}
SINCE = {"start_time": "2025-11-23T12:08:20Z", "limit": 100}


def call_of(name: str = "send_transactional_email") -> Call[Any]:
    subtool = find(name)
    return Call(subtool, subtool.parse(example_of(name)), AT, CallContext())


def doubt_of(addressee: Addressee = U1, began: float = START, **facts: Any) -> Doubt:
    """Return the doubt that an e-mail left; by default about a person, and provable."""
    known = {"is_listed": True, "channel": "email", "is_person": True, **facts}
    return Doubt(addressee, Entry("unknown", "2:f", began, ENDS, ENDS + 600, known))


def message(**changed: Any) -> dict[str, Any]:
    """Return a message as Customer.io lists it: by default certainly the one in doubt."""
    own = {
        "id": "m",
        "type": "email",
        "created": int(START) + 1,
        "recipient": "Ada <Ada@Example.com>",
        "customer_identifiers": IDS,
    }
    return {name: value for name, value in {**own, **changed}.items() if value is not None}


class Pages:
    """Plays the reads of a list: each page, and whether another follows."""

    def __init__(self, *pages: list[dict[str, Any]] | None, endless: bool = False) -> None:
        self._pages = list(pages)
        self._endless = endless
        self.asked: list[tuple[str, Mapping[str, Any]]] = []

    def __call__(self, look: Look) -> dict[str, Any] | None:
        self.asked.append((look.subtool, dict(look.arguments)))
        page = self._pages.pop(0) if self._pages else []
        if page is None:
            return None
        following = 7 if self._pages or self._endless else ""
        return {"messages": page, "next": following}


def seen(doubt: Doubt, *messages: dict[str, Any], now: float = NOW) -> Sight:
    return look_for(doubt, call_of(), Pages(list(messages)), now)


@pytest.mark.parametrize(
    ("addressee", "facts", "arguments"),
    [
        (U1, {}, {"customer_id": "u1"}),
        (("email", "a@b.io"), {}, {"customer_id": "a@b.io"}),
        (("cio_id", "0a"), {}, {"customer_id": "cio_0a"}),
        (("id", "a@b.io"), {}, {"customer_id": "a@b.io", "id_type": "id"}),
        (
            ("email", "a@b.io"),
            {"is_person": False},
            {"type": "email", "end_time": "2025-11-23T12:18:40Z"},
        ),
        (
            ("email", "a@b.io"),
            {"is_person": False, "channel": "smoke"},
            {"end_time": "2025-11-23T12:18:40Z"},
        ),
    ],
)
def test_the_look_asks_for_the_messages_to_whom_is_in_doubt(
    addressee: Addressee, facts: dict[str, Any], arguments: dict[str, Any]
) -> None:
    look = doubt_of(addressee, **facts).look(call_of())
    assert look == Look("list_messages", {**arguments, **SINCE})


def test_the_look_for_a_broadcast_is_that_of_its_call_at_its_time() -> None:
    look = doubt_of(("broadcast", "30"), channel=None).look(call_of("trigger_broadcast"))
    assert look
    assert look.arguments["start_time"] == "2025-11-23T12:08:20Z"


@pytest.mark.parametrize("facts", [{}, {"is_person": 1}, {"is_person": None}])
def test_only_a_person_that_is_known_as_one_is_looked_for_as_one(facts: dict[str, Any]) -> None:
    doubt = doubt_of(("email", "a@b.io"), **facts)
    assert (doubt.is_person, doubt.is_provable) == (not facts, not facts)
    assert doubt.address == ("a@b.io" if facts else None)
    assert doubt_of(U1, is_person=False).address is None
    assert not doubt_of(is_listed=1).is_provable


@pytest.mark.parametrize(
    "pages",
    [
        Pages([]),
        Pages([message(type="push")], [message(created=FIRST - 1)], []),
        Pages([], [], [], [], []),
        Pages([message(customer_identifiers=None, type="push")]),
        Pages([message(type="push")]),
    ],
)
def test_a_whole_list_without_it_proves_that_it_did_not_go(pages: Pages) -> None:
    assert look_for(doubt_of(), call_of(), pages, NOW) == Sight(proves_absence=True)


def test_an_id_that_looks_like_an_address_is_compared_as_an_id() -> None:
    doubt, other = doubt_of(("id", "a@b.io")), message(type="push")
    theirs = {**other, "customer_identifiers": {"id": "a@b.io", "email": "z@b.io"}}
    assert seen(doubt, theirs) == Sight(proves_absence=True)
    stranger = {**other, "customer_identifiers": {"id": "z", "email": "a@b.io"}}
    assert seen(doubt, stranger) == Sight()


def test_each_page_is_asked_for_by_what_the_one_before_named() -> None:
    pages = Pages([], [message()], [])
    assert look_for(doubt_of(), call_of(), pages, NOW).message == message()
    first = {"customer_id": "u1", **SINCE, "limit": 1000}
    assert pages.asked == [
        ("list_messages", first),
        ("list_messages", {**first, "cursor": "7"}),
        ("list_messages", {**first, "cursor": "7"}),
    ]


STRANGER = message(type="push", customer_identifiers={**IDS, "id": "u2"})


@pytest.mark.parametrize(
    "pages",
    [Pages(None), Pages([], None), Pages([], [], [], [], [], []), Pages(endless=True)],
    ids=["unread", "the second unread", "six pages", "no end"],
)
def test_a_list_that_is_not_whole_proves_nothing(pages: Pages) -> None:
    assert look_for(doubt_of(), call_of(), pages, NOW) == Sight()
    assert len(pages.asked) <= 5


@pytest.mark.parametrize(
    ("doubt", "messages", "now"),
    [
        (doubt_of(), [], NOW - 0.1),
        (doubt_of(is_listed=False), [], NOW),
        (doubt_of(is_person=False), [], NOW),
        (doubt_of(), [STRANGER], NOW),
        (doubt_of(("email", "a@b.io"), is_person=False), [], NOW),
    ],
    ids=["too early", "listed late", "no person", "somebody else's", "an address"],
)
def test_what_proves_nothing(doubt: Doubt, messages: list[dict[str, Any]], now: float) -> None:
    assert seen(doubt, *messages, now=now) == Sight()


def test_what_cannot_be_looked_for_stays_in_doubt() -> None:
    subtool, doubt = find("track_event"), doubt_of(("broadcast", "30"))
    arguments = {"customer_id": "u1", "name": "paid"}
    mute: Call[Any] = Call(subtool, subtool.parse(arguments), AT, CallContext())
    assert doubt.look(mute) is None
    assert look_for(doubt, mute, Pages([message()]), NOW) == Sight()


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"created": int(START)},
        {"created": LAST},
        {"recipient": "bob@example.com"},
        {"recipient": None},
        {"campaign_id": 0, "broadcast_id": None, "newsletter_id": ""},
    ],
)
def test_a_message_of_that_kind_and_time_is_likely_it(changed: dict[str, Any]) -> None:
    found = message(**changed)
    assert seen(doubt_of(), found) == Sight(message=found, is_likely=True)


@pytest.mark.parametrize(
    "changed",
    [
        {"type": None},
        {"created": int(START) - 1},
        {"created": FIRST},
        {"created": LAST + 1},
        {"created": None},
        {"created": "soon"},
    ],
)
def test_a_message_that_may_be_it_proves_nothing_and_is_told(changed: dict[str, Any]) -> None:
    found = message(**changed)
    assert seen(doubt_of(), found) == Sight(message=found)


@pytest.mark.parametrize("origin", ["campaign_id", "broadcast_id", "newsletter_id"])
def test_a_message_of_another_origin_is_not_likely_it(origin: str) -> None:
    found = message(**{origin: 5})
    assert seen(doubt_of(), found) == Sight(message=found)


@pytest.mark.parametrize(
    ("recipient", "is_told", "is_likely"),
    [
        ("Ada <ADA@example.com>", True, True),
        ("ada@example.com, bob@example.com", True, True),
        ("bob@example.com", False, False),
        (None, True, False),
        (7, True, False),
    ],
)
def test_a_message_to_an_address_names_it(recipient: Any, is_told: bool, is_likely: bool) -> None:
    found = message(recipient=recipient)
    sight = seen(doubt_of(("email", "ada@example.com"), is_person=False), found)
    assert sight == Sight(message=found if is_told else None, is_likely=is_likely)


def test_where_the_kind_is_not_known_every_message_may_be_it_and_none_is_likely() -> None:
    for kind in ("email", "push", None):
        found = message(type=kind)
        assert seen(doubt_of(channel=None), found) == Sight(message=found)


def test_the_newest_of_those_that_are_likely_is_told() -> None:
    likely = [message(id=str(n), created=int(START) + n) for n in (1, 3, 2)]
    other = message(id="late", created=LAST + 9)
    assert seen(doubt_of(), *likely, other) == Sight(message=likely[1], is_likely=True)
    old, new = (message(id=str(n), created=int(START) - n) for n in (9, 5))
    assert seen(doubt_of(), message(id="x", created=None), old, new) == Sight(message=new)


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (message(), "Message m of 2025-11-23T12:13:21Z is possibly of that call."),
        (message(id=None), "Message None of 2025-11-23T12:13:21Z is possibly of that call."),
        (message(created=None), ""),
        (None, ""),
    ],
)
def test_what_was_seen_is_told_in_a_sentence(found: dict[str, Any] | None, sentence: str) -> None:
    assert Sight(message=found).sentence == sentence


def test_of_one_earlier_call_a_doubt_that_a_list_can_settle_is_looked_at() -> None:
    provable, other = doubt_of(), doubt_of(("email", "a@b.io"), is_person=False)
    assert earlier_calls([provable, other]) == earlier_calls([other, provable]) == [provable]
    later = doubt_of(began=START + 1)
    assert earlier_calls([later, provable]) == [later, provable]
