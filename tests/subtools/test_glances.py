"""What passes at a glance is exactly what the careful checks pass, and comes out as from them."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import datetime, timezone
from typing import Annotated, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import AfterValidator, TypeAdapter

from customerio_tool.calls.message_keys import _plain, digest_of
from customerio_tool.connection.fields import _KEY_PROBLEMS, _is_plain
from customerio_tool.connection.masking import KeyMask
from customerio_tool.errors import ArgumentsInvalid
from customerio_tool.subtools.declare import address_fault, check_type, exact, only_entry, shape_of
from customerio_tool.subtools.declare.characters import _hidden, is_visible
from customerio_tool.subtools.declare.glance import is_sound_address, kind_at_a_glance
from customerio_tool.subtools.declare.identifiers import canonical, distinct, first_of_each
from customerio_tool.subtools.declare.json_input import _at_a_glance, _read_with_care
from customerio_tool.subtools.declare.json_text import compact
from customerio_tool.subtools.declare.person_ids import _person, no_phone, well_shaped
from customerio_tool.subtools.declare.placeholders import is_placeholder
from customerio_tool.subtools.declare.times import MAX_TIME, iso_time
from customerio_tool.subtools.declare.types import PathText, is_within
from customerio_tool.subtools.declare.vendor_json import (
    MAX_PAYLOAD_CHARS,
    chars_of,
    clean,
    clean_of_text,
    fitting_items,
    fresh,
    shortened,
)
from tests.support.clients import APP, TRACK, connected

MASK = KeyMask(connected())
CAREFUL = TypeAdapter[str](
    Annotated[
        PathText, AfterValidator(_person), AfterValidator(well_shaped), AfterValidator(no_phone)
    ]
).validate_python

WORDS = ("void", "0", "cio_", "null", "your", "id", "here", "ada", "Ünal", "नमस्ते", "user", "xn--")
MARKS = ("@", ".", "-", "_", "+", " ", "<", "%2e", "\u200b", "\ufe0f", "\u0301", "\u115f", "com")
PIECES = st.sampled_from(WORDS + MARKS) | st.characters() | st.sampled_from("01239")
IDS = st.lists(PIECES, max_size=6).map("".join)
EMAILS = st.from_regex(
    r"[a-zA-Z0-9._+-]{1,8}@[a-zA-Z0-9.-]{1,8}\.(com|id|de|email|coM|c9)", fullmatch=True
)

TEXTS = st.text(max_size=8) | st.lists(
    st.sampled_from(
        [TRACK, APP, TRACK.upper(), "&amp;", "\\", "%41", "\x00", "é", "\n", "😀", "a\u034f"]
    ),
    max_size=3,
).map("".join)
NUMBERS = st.integers() | st.floats() | st.sampled_from([10**299, 10**400, 1e300, -0.0, 2.0, 1e16])
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@given(IDS | EMAILS)
def test_an_identifier_that_passes_at_a_glance_passes_every_check(text: str) -> None:
    kind = kind_at_a_glance([text])
    assert is_sound_address(text) == (kind == "email")
    if kind is None:
        return
    assert CAREFUL(text) == text
    assert shape_of(text) == kind
    assert not any(is_placeholder(text, name) for name in ("", "customer_id", "to", "email"))
    check_type(text, None)
    check_type(text, kind)
    if kind == "email":
        assert address_fault(text) is None
        assert only_entry(exact(text)) == text


@pytest.mark.parametrize(
    ("ids", "kind"),
    [
        (["person-0", "u1", "4d3255c1-7b1c-4a55-9b0e-1234567890ab"], "id"),
        (["Ünal-7", "नमस्ते-3", "客户42", "cafe\u0301 9".replace(" ", "")], "id"),
        (["ada@example.com", "grace.hopper+1@mail.example.org"], "email"),
        (["u1", "ada@example.com"], None),
        (["u1", "void-0"], None),
        (["u1", "cio_123"], None),
        (["ada"], None),
    ],
)
def test_usual_identifiers_of_one_type_pass_at_a_glance(ids: list[str], kind: str | None) -> None:
    assert kind_at_a_glance(ids) == kind


@given(st.lists(EMAILS | IDS, max_size=8), st.sampled_from(["id", "email", "cio_id"]))
def test_each_identifier_stays_once_in_its_first_spelling(ids: list[str], kind: str) -> None:
    assert distinct(ids, kind) == first_of_each(ids, lambda one: canonical(one, kind))


@given(VALUES, st.booleans(), st.text(max_size=3), st.integers(0, 200))
def test_arguments_that_pass_at_a_glance_are_read_as_with_care(
    value: Any, is_ascii: bool, noise: str, at: int
) -> None:
    text = json.dumps({"a": value}, ensure_ascii=is_ascii)
    for given_text in (text, text[:at] + noise + text[at:]):
        if (found := _at_a_glance(given_text)) is not None:
            assert repr(found) == repr(_read_with_care(given_text))


UNSOUND = (
    *('{"a": NaN}', '{"a": 1e999}', '{"a": "\\ud800"}', '{"a": "\ud800"}', '{"a": 1, "a": 2}'),
    *('{"a": ' + "[" * 70, '{"a": ' + "9" * 400 + "}", b'{"a": "\xed\xa0\x80"}', "[1]", '"x"'),
)


@pytest.mark.parametrize("text", UNSOUND)
def test_what_json_cannot_hold_is_refused_by_the_careful_reader(text: str | bytes) -> None:
    assert _at_a_glance(text) is None
    with pytest.raises(ArgumentsInvalid):
        _read_with_care(text)


@given(st.text() | TEXTS)
def test_a_text_that_shows_at_a_glance_hides_nothing(text: str) -> None:
    if is_visible(text):
        assert _hidden().sub(r"\1", text) == text


def changed(value: Any) -> Any:
    """Return a value with each text cleaned and masked on its own."""
    if isinstance(value, str):
        return MASK(_hidden().sub(r"\1", value))
    if isinstance(value, dict):
        return {changed(name): changed(each) for name, each in value.items()}
    return [changed(each) for each in value] if isinstance(value, list) else value


@given(VALUES, st.booleans())
def test_a_reply_is_cleaned_as_text_by_text(value: Any, is_ascii: bool) -> None:
    text = json.dumps(value, ensure_ascii=is_ascii)
    wanted, read = repr(changed(value)), json.loads(text)
    assert repr(clean_of_text(text, read, mask=MASK)) == wanted
    assert repr(clean(value, mask=MASK)) == repr(fresh(clean(value, mask=MASK))) == wanted


@given(VALUES)
def test_equal_messages_have_the_digest_that_earlier_versions_stored(value: Any) -> None:
    if "NaN" in repr(value) or "inf" in repr(value) or "nan" in repr(value):
        return
    text = compact(("message", "op", "w", _plain(value)), is_ascii=True, sort_keys=True)
    assert digest_of("op", "w", value) == "2:" + hashlib.sha256(text.encode()).hexdigest()


@given(VALUES, st.integers(-40, 40))
@example("", -1)
def test_a_value_is_within_the_limits_that_its_json_is_within(value: Any, more: int) -> None:
    counted = value if isinstance(value, str) else compact(value)  # a text counts without quotes
    size = len(counted.encode(errors="surrogatepass"))
    for limit in (size + more, 6 * size, 7 * size + 40):
        assert is_within(value, limit) == (size <= limit)


@given(
    st.lists(
        st.sampled_from(
            ["basic", "Bearer", "AUTHORIZATION", ":", " ", "_", "-", "*", "'", "a@b.c", "://", "é"]
        )
        | st.text("abcXYZ019_-", max_size=5)
    ).map("".join)
)
def test_a_key_that_passes_at_a_glance_has_no_problem(text: str) -> None:
    if _is_plain(text):
        assert [each for each in _KEY_PROBLEMS if re.match(each[0], text)] == []


@given(st.integers(-62_135_596_800, MAX_TIME))
def test_a_time_is_written_as_python_writes_it(seconds: int) -> None:
    moment = datetime.fromtimestamp(seconds, timezone.utc).replace(tzinfo=None)
    assert iso_time(seconds) == f"{moment.isoformat()}Z"


@given(
    st.lists(
        st.dictionaries(st.text(max_size=3), st.integers(1, 6000).map("x".__mul__)), max_size=9
    )
)
def test_as_many_items_fit_as_if_each_was_shortened_first(items: list[dict[str, str]]) -> None:
    short = [shortened(each) for each in items]
    sizes = [sum(chars_of(each) + 1 for each in short[: n + 1]) for n in range(len(short))]
    fitting = [each for each, size in zip(short, sizes, strict=True) if size <= MAX_PAYLOAD_CHARS]
    if fitting or not items:
        assert fitting_items(iter(items)) == fitting
