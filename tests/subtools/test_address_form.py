"""Which texts are e-mail addresses, for addresses and faults made up by hypothesis."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from customerio_tool.subtools.declare import address_fault
from customerio_tool.subtools.parts.mail import addresses

ATOMS = st.text(
    st.sampled_from("abcXYZ059!#$%&'*+-/=?^_`{|}~") | st.sampled_from("äßя用م"),
    min_size=1,
    max_size=12,
)
LABELS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True) | st.sampled_from(
    ["bücher", "例子", "почта"]
)
ADDRESSES = st.builds(
    lambda local, labels, top: f"{'.'.join(local)}@{'.'.join([*labels, top])}",
    st.lists(ATOMS, min_size=1, max_size=4),
    st.lists(LABELS, min_size=1, max_size=3),
    st.from_regex(r"[a-z]{2,6}", fullmatch=True),
).filter(lambda text: len(text.partition("@")[0].encode()) <= 64)
SPOILERS = st.sampled_from(
    [*';()[]<>,"\\: \t', *"\u200b\u00ad\u2060\u202e\u00a0\u2800\ufeff\u3000"]
)


@settings(max_examples=300, deadline=None)
@given(ADDRESSES)
def test_every_dot_string_at_a_domain_name_is_an_address(text: str) -> None:
    assert address_fault(text) is None
    assert addresses(f"Ada <{text}>, {text}") == [text, text]


@settings(max_examples=300, deadline=None)
@given(ADDRESSES, SPOILERS, st.data())
def test_one_wrong_character_anywhere_spoils_an_address(
    text: str, spoiler: str, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(text)))
    spoilt = text[:at] + spoiler + text[at:]
    assert address_fault(spoilt) is not None


@settings(max_examples=200, deadline=None)
@given(ADDRESSES, st.sampled_from(["..", ".@", "@.", "@-", "@@"]))
def test_a_misplaced_dot_hyphen_or_at_spoils_an_address(text: str, wrong: str) -> None:
    assert address_fault(text.replace("." if wrong == ".." else "@", wrong, 1)) is not None
