"""The forms of identifiers, addresses, telephone numbers and times, one by one."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from customerio_tool.errors import Problem
from customerio_tool.subtools.declare import (
    Invocation,
    address_fault,
    as_email,
    as_path_text,
    as_well_shaped_id,
    bare,
    bare_address,
    canonical,
    check_type,
    distinct,
    first_of_each,
    iso_time,
    listed,
    may_be,
    only_entry,
    shape_of,
    unix_seconds,
    with_plain_domain,
)
from customerio_tool.subtools.declare.addresses import is_like_an_address
from customerio_tool.subtools.declare.identifiers import hashed_ulid, is_phone, is_ulid, ulid

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def said(check: Any, *arguments: Any, **named: Any) -> str:
    """Return what the problem says that a check raises."""
    with pytest.raises(Problem) as refused:
        check(*arguments, **named)
    return str(refused.value)


# --- addresses


FAULTS: list[tuple[str, str | None]] = [
    ("ada@example.com", None),
    ("ada", ""),
    ("@example.com", ""),
    ("ada@", ""),
    ("", ""),
    ("ada @b.co", "it holds white space or a character that does not show"),
    ("ada@b@c.co", "it holds more than one @"),
    ("a,b@c.co", "it holds ',', which no address has"),
    ("ab@c_d.co", "it holds '_', which no address has"),
    ("ab@c.co/x", "it holds '/', which no address has"),
    (".a@b.co", "a dot begins, ends or repeats before its @"),
    ("a..b@b.co", "a dot begins, ends or repeats before its @"),
    ("a" * 64 + "@b.co", None),
    ("a" * 65 + "@b.co", "more than 64 bytes stand before its @"),
    ("é" * 32 + "@b.co", None),
    ("é" * 33 + "@b.co", "more than 64 bytes stand before its @"),
    ("a@b..co", "a dot begins, ends or repeats after its @"),
    ("a@.b.co", "a dot begins, ends or repeats after its @"),
    ("a@intranet", "its domain has no dot"),
    ("a@-b.co", "a part of its domain begins or ends with a hyphen"),
    ("a@b-.co", "a part of its domain begins or ends with a hyphen"),
    ("a@b.co-", "a part of its domain begins or ends with a hyphen"),
    ("a@b-c.co", None),
    ("a@1.2", "its domain is a number"),
    ("a@1.co", None),
    ("a@bücher.example", None),
    ("a@b\u0301.co", None),
    ("a@\u0301b.co", "its domain holds a character that no domain has"),
    ("a@b€.co", "its domain holds a character that no domain has"),
    ("a@\uff42.co", "its domain holds a character that no domain has"),
    ("a@②.co", "its domain holds a character that no domain has"),
    (f"a@{'b' * 63}.co", None),
    (f"a@{'b' * 64}.co", "a part of its domain is longer than 63 bytes"),
    (f"a@{'é' * 55}.co", None),
    (f"a@{'é' * 59}.co", "a part of its domain is longer than 63 bytes"),
    (f"a@{'b' * 63}.{'c' * 63}.{'d' * 63}.{'e' * 60}", None),
    (f"a@{'b' * 63}.{'c' * 63}.{'d' * 63}.{'e' * 61}", "it is longer than 254 bytes"),
]


def test_what_is_no_address_says_why() -> None:
    for text, fault in FAULTS:
        assert address_fault(text) == fault
        if fault is None:
            assert bare_address(text) == text
        else:
            why = fault and f", as {fault}"
            wanted = f"is not an e-mail address{why}; send one such as ada@example.com"
            assert said(bare_address, text) == wanted


def test_an_intranet_s_address_needs_no_dot_where_that_is_said() -> None:
    assert address_fault("a@intranet", needs_dot=False) is None
    assert bare_address("a@intranet", needs_dot=False) == "a@intranet"
    assert address_fault("a@7", needs_dot=False) == "its domain is a number"


def test_a_text_is_like_an_address_from_its_at_and_a_dot_behind_that() -> None:
    for text in ("a@b.c", "a@@b.c", "a b@c d.e", "@a@b.c", "a@.c"):
        assert is_like_an_address(text)
    for text in ("a@b", "@b.c", "a@b.", "a.b@c", "a@b. c", "a", "a@b.."):
        assert not is_like_an_address(text)


LISTS: list[tuple[str, list[Any] | None]] = [
    ('["a", 1, null]', ["a", 1, None]),
    (" ['a', \"b\", 1.5, None, True]", ["a", "b", 1.5, None, True]),
    ("('a', 'b')", ["a", "b"]),
    ("['it\\'s', 'a\\nb']", ["it's", "a\nb"]),
    ("[]", []),
    ("[{'a': [1]}]", [{"a": [1]}]),
    ("a, b", None),
    ("{}", None),
    ("", None),
    ("(1)", None),
    ("['a'", None),
    ("[a]", None),
    ("['a' + 'b']", None),
    ("[1 for x in y]", None),
    (r"['\d']", None),
    ("['" + r"\n" * 101 + "']", None),
    ("['" + r"\n" * 100 + "']", ["\n" * 100]),
    ("['" + "x" * 499_996 + "']", ["x" * 499_996]),
    ("['" + "x" * 499_997 + "']", None),
]


def test_a_list_is_read_from_json_or_from_how_python_shows_it() -> None:
    for text, entries in LISTS:
        assert listed(text) == entries


def test_the_only_entry_of_a_list_in_text_is_taken() -> None:
    assert only_entry('["a@b.co"]') == "a@b.co"
    assert only_entry("[]") == "[]"
    assert only_entry(["a"]) == ["a"]
    assert only_entry("a") == "a"
    assert said(only_entry, "['a', 'b', 'c']") == "has 3 entries; give one"


# --- people


SHAPES: list[tuple[str, str]] = [
    ("cio_1", "cio_id"),
    ("cio_a@b.co", "cio_id"),
    ("CIO_1", "id"),
    ("a@b.co", "email"),
    ("a@b", "id"),
    ("a b@c.de", "id"),
    ("a@b@c.de", "id"),
    ("a@b.co.", "id"),
    ("+4915112345678", "id"),
]


def test_the_form_of_an_identifier_suggests_its_type() -> None:
    for identifier, shape in SHAPES:
        assert shape_of(identifier) == shape


def test_an_identifier_may_be_of_a_type_that_its_form_does_not_contradict() -> None:
    assert may_be("anything at all", "id")
    assert may_be("a@intranet", "email")
    assert not may_be("ada", "email")
    assert not may_be("a@b c", "email")
    assert may_be("cio_a1", "cio_id")
    assert may_be("a1", "cio_id")
    assert not may_be("cio_a-1", "cio_id")
    assert not may_be("", "cio_id")
    assert (bare("cio_a1", "cio_id"), bare("cio_a1", "id")) == ("a1", "cio_a1")


PHONES: list[tuple[str, bool]] = [
    ("+1234567", True),
    ("+123456", False),
    ("+123456789012345", True),
    ("+1234567890123456", False),
    ("tel:+49 (151) 234-56.78", True),
    ("whatsapp: +49151/2345678", True),
    ("%2B4915112345678", True),
    ("+\uff14\uff19\uff11\uff15\uff11\uff12\uff13\uff14\uff15\uff16", True),
    ("4915112345678", False),
    ("+49151x2345678", False),
    ("t:+4915112345678", False),
    ("", False),
]


def test_a_phone_number_has_a_plus_and_seven_to_fifteen_digits() -> None:
    for text, is_one in PHONES:
        assert is_phone(text) is is_one


def test_an_identifier_is_checked_against_its_type_or_its_form() -> None:
    phone = "is a phone number, by which this call finds nobody"
    assert said(check_type, "+4915112345678", None).startswith(f"{phone}; find the person with ")
    check_type("+4915112345678", None, finds_phones=True)
    check_type("+4915112345678", "id")
    check_type("a@intranet", "email")
    check_type("a@intranet", None)
    check_type("cio_a@b..co", None)
    no_address = "is not an e-mail address, as a dot begins, ends or repeats after its @"
    mail = "one such as ada@example.com"
    assert said(check_type, "a@b..co", None) == f"{no_address}; send {mail}"
    assert said(check_type, "a@b..co", "email") == f"{no_address}; send {mail}"
    for where, argument in (
        (("customer_id",), "id_type"),
        ((), "id_type"),
        (("primary_id",), "primary_id_type"),
        (("secondary_id",), "secondary_id_type"),
        (("customer_ids", 3), "id_type"),
        ((3,), "id_type"),
    ):
        with pytest.raises(Problem) as refused:
            check_type("ada", "email", *where)
        wanted = f"cannot be of type email; leave {argument} out, or send {mail}"
        assert (str(refused.value), refused.value.path) == (wanted, where)
    wanted = "cannot be of type cio_id; leave id_type out, or send letters and digits"
    assert said(check_type, "a-b", "cio_id", "customer_id") == wanted
    for checks in ({"finds_phones": False}, {"finds_phones": True}):
        with pytest.raises(Problem) as refused:
            check_type("a@b..co", None, "customer_ids", 3, **checks)
        assert refused.value.path == ("customer_ids", 3)


def test_a_person_is_one_in_all_spellings_of_their_address() -> None:
    assert canonical("ADA@B.CO", "email") == canonical("ada@b.co", "email") == ("email", "ada@b.co")
    assert canonical("ADA", "id") == ("id", "ADA")
    assert canonical("cio_A1", "cio_id") == canonical("A1", "cio_id") == ("cio_id", "A1")
    assert canonical("STRASSE@b.co", "email") != canonical("straße@b.co", "email")
    assert canonical("a@XN--Bcher-kva.example", "email") == ("email", "a@bücher.example")
    assert canonical("a@bu\u0308cher.example", "email") == ("email", "a@bücher.example")
    assert with_plain_domain("ADA@Example.COM") == "ADA@example.com"
    assert with_plain_domain("É@Example.COM") == "É@example.com"
    assert with_plain_domain("a@xn--.B.co") == "a@.b.co"
    assert with_plain_domain("a@xn--\u00e9.co") == "a@xn--\u00e9.co"
    assert with_plain_domain("x") == "x"


def test_each_person_is_kept_once_in_their_first_spelling() -> None:
    people = ["A@b.co", "a@b.co", "c@b.co", "A@b.co"]
    assert distinct(people, "email") == ["A@b.co", "c@b.co"]
    assert distinct(people, "id") == ["A@b.co", "a@b.co", "c@b.co"]
    assert distinct(iter(["cio_a", "a", "A"]), "cio_id") == ["cio_a", "A"]
    assert distinct(["a@bücher.example", "a@xn--bcher-kva.example"], "email") == [
        "a@bücher.example"
    ]
    assert distinct(["a@xn--bcher-kva.co", "a@XN--bcher-kva.co"], "email") == ["a@xn--bcher-kva.co"]
    assert distinct(iter(["a@b.co", "C@d.co"]), "email") == ["a@b.co", "C@d.co"]
    composed, apart = "b\u00fc.co", "bu\u0308.co"
    both = [f"a@xn--{each[:-3].encode('punycode').decode()}.co" for each in (composed, apart)]
    assert both[0] != both[1]
    assert distinct(both, "email") == both[:1]
    assert first_of_each(["aa", "b", "ac"], lambda one: one[0]) == ["aa", "b"]


def test_an_identifier_inside_of_an_object_is_checked_like_an_argument() -> None:
    assert as_well_shaped_id(7) == as_path_text(7) == "7"
    assert as_email("a@b.co") == "a@b.co"
    assert as_well_shaped_id("cio_a1") == "cio_a1"


# --- ids of events


def number_of(made: str) -> int:
    """Return the number that a ULID stands for."""
    number = 0
    for digit in made:
        number = number * 32 + CROCKFORD.index(digit)
    return number


def test_a_ulid_begins_with_its_time_and_ends_with_what_is_random() -> None:
    made = ulid(1763900000.1239, bytes(range(1, 12)))
    assert len(made) == 26
    assert number_of(made) == (1763900000123 << 80) + int.from_bytes(bytes(range(1, 11)), "big")
    assert ulid(0, bytes(10)) == "0" * 26
    assert ulid(281474976710.655, b"\xff" * 10) == "7" + "Z" * 25


def test_a_hashed_ulid_depends_on_each_of_its_texts() -> None:
    digest = hashlib.sha256(b"w\0u1\0paid\0\xc3\xa9").digest()
    assert number_of(hashed_ulid("w", "u1", "paid", "é")) == int.from_bytes(digest[:16], "big")
    assert hashed_ulid("a", "bc") != hashed_ulid("ab", "c")


def test_an_event_has_the_id_that_is_given_or_one_of_its_person_and_name() -> None:
    at = Invocation(now=1763900000.9, workspace="w", ulid="01JD5T3Q6C9W4Y2M8K7H1N0PZX")
    assert (at.now_seconds, at.search_from, at.lookups) == (1763900000, 1763899700.9, ())
    assert at.event_id(None, "u1", "paid") == at.ulid
    assert at.event_id("7zzzzzzzzzzzzzzzzzzzzzzzzz", "u1", "paid") == "7" + "Z" * 25
    assert at.event_id("order-7", "u1", "paid") == hashed_ulid("w", "u1", "paid", "order-7")
    for text in ("8" + "Z" * 25, "7" + "Z" * 24, "7" + "Z" * 26, "7" + "U" * 25, ""):
        assert not is_ulid(text)


# --- times


TIMES: list[tuple[Any, int]] = [
    (0, 0),
    (1.9, 1),
    ("1763900000", 1763900000),
    (" 1763900000.5 ", 1763900000),
    (99_999_999_999, 99_999_999_999),
    (100_000_000_000, 100_000_000),
    ("1763900000123", 1763900000),
    ("2025-11-23", 1763856000),
    ("20251123T12", 1763899200),
    ("2025-11-23T12:13", 1763899980),
    ("2025-11-23 12:13:20", 1763900000),
    ("2025-11-23t12:13:20,5z", 1763900000),
    ("2025-11-23T12:13:20.999999999Z", 1763900000),
    ("2025-11-23T12:13:20 UTC", 1763900000),
    ("2025-11-23T12:13:20gmt", 1763900000),
    ("2025-11-23T13:13:20 CET", 1763900000),
    ("2025-11-23T14:13:20CEST", 1763900000),
    ("2025-11-23T07:13:20 est", 1763900000),
    ("2025-11-23T08:13:20 EDT", 1763900000),
    ("2025-11-23T17:43:20+05:30", 1763900000),
    ("2025-11-23T17:43:20 +0530", 1763900000),
    ("2025-11-23T08:43:20-03:30", 1763900000),
    ("2025-11-23T07:13:20-05", 1763900000),
    ("1970-01-01T00:00:00Z", 0),
    ("5138-11-16T09:46:39Z", 99_999_999_999),
]


def test_a_time_in_any_form_is_whole_seconds() -> None:
    for written, seconds in TIMES:
        assert unix_seconds(written) == seconds
        assert type(unix_seconds(written)) is int


def test_a_time_is_written_to_the_second() -> None:
    assert iso_time(1763900000.9) == "2025-11-23T12:13:20Z"
    assert iso_time(0) == "1970-01-01T00:00:00Z"
    assert iso_time(86_399) == "1970-01-01T23:59:59Z"
    assert iso_time(-1) == "1969-12-31T23:59:59Z"
