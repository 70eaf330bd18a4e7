"""The names that a template reads are found in its tags, and what is not certain is said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customerio_tool.subtools.parts.liquid_reads import (
    COMPUTED,
    DEEP,
    INCLUDED,
    UNCLOSED,
    WHOLE,
    reads_of,
    without_tags,
)

TRIGGER: dict[str, tuple[str, list[str], list[str]]] = {
    "printed": ("{{ trigger.link }}", ["link"], []),
    "without spaces": ("{{-trigger.a-}}{{trigger.b}}", ["a", "b"], []),
    "inside of an object": ("{{trigger.order.total | money}}", ["order.total"], []),
    "in brackets": ("{{ trigger['first name'].x }}", ["first name.x"], []),
    "with a default": ("{{ trigger.a | upcase | default: 'x' }}", [], ["a"]),
    "as a default": ("{{ 'x' | default: trigger.a }}", ["a"], []),
    "with and without a default": ("{{trigger.a | default: 1}}{{trigger.a}}", ["a"], []),
    "only tested": ("{% if trigger.a and trigger.b == 'trigger.c' %}x{% endif %}", [], ["a", "b"]),
    "of each entry": (
        "{% for x in trigger.list limit: 3 %}{{ x.name }}{% endfor %}",
        ["list[].name"],
        [],
    ),
    "of one entry": ("{{ trigger.list[0].sku }}", ["list[].sku"], []),
    "under another name": ("{% assign o = trigger.order %}{{ o.id }}", ["order.id"], []),
    "of the text itself": ("{% capture c %}x{% endcapture %}{{ c }}", [], []),
    "in lines of one tag": ("{% liquid\n assign o = trigger.a\n echo o.b\n%}", ["a.b"], []),
    "in an argument": ("{{ 1 | plus: trigger.a, by: trigger.b }}", ["a", "b"], []),
    "not in what is raw": (
        "{% raw %}{{ trigger.a }}{% endraw %}{% comment %}{{trigger.b}}{% endcomment %}",
        [],
        [],
    ),
    "up to a number": ("{% for i in (1..trigger.n) %}{{ i }}{% endfor %}", ["n"], []),
    "counted from the end": ("{{ trigger.list[-1].name }}", ["list[].name"], []),
    "not in a text": ("{{ 'trigger.a' }}", [], []),
    "in a name of letters of the world": ("{{ trigger.größe }}", ["größe"], []),
    "in another's object": ("{{ mytrigger.a }} {{ x.trigger.b }}", [], []),
}
DOUBTS = {
    "a computed name": ("{{ trigger[customer.key] }}", COMPUTED),
    "a tag without an end": ("{{ trigger.a", UNCLOSED),
    "a comment without an end": ("{% comment %}{{ trigger.a }}", UNCLOSED),
    "an end in a text": ("{{ 'x }} y' }}", UNCLOSED),
    "another template": ("{% render 'footer' %}", INCLUDED),
    "an object as a whole": ("{{ trigger | json }}", WHOLE),
}


@pytest.mark.parametrize(("text", "needed", "optional"), TRIGGER.values(), ids=TRIGGER.keys())
def test_names_of_the_data_are_found(text: str, needed: list[str], optional: list[str]) -> None:
    assert reads_of([text]).under("trigger") == (needed, optional)


@pytest.mark.parametrize("text", [each[0] for each in TRIGGER.values()])
def test_what_is_certain_raises_no_doubt(text: str) -> None:
    assert reads_of([text]).doubts == set()


@pytest.mark.parametrize(("text", "doubt"), DOUBTS.values(), ids=DOUBTS.keys())
def test_what_may_read_more_is_said(text: str, doubt: str) -> None:
    assert reads_of([text]).doubts == {doubt}


def test_a_name_of_one_text_is_none_of_another() -> None:
    assert reads_of(["{% assign o = trigger.a %}", "{{ o.b }}"]).roots() == {"trigger", "o"}


def test_a_tag_with_a_hidden_name_is_not_shown() -> None:
    text = "{{customer.a}} {{customer.b}} {% if customer.a %}{{ trigger.a }}{% endif %}"
    shown = without_tags(text, lambda path: list(path) == ["a"])
    assert shown == "*** {{customer.b}} ***{{ trigger.a }}{% endif %}"


@pytest.mark.parametrize("text", ["{{ customer.a", "{{ '{%' | append: customer.a }}"])
def test_a_text_with_a_tag_without_an_end_shows_no_hidden_name(text: str) -> None:
    assert without_tags(f"{text} {{{{ b }}}}", lambda path: list(path) == ["a"]) == "***"


def test_an_entry_of_a_list_is_no_part_of_a_hidden_name() -> None:
    shown = without_tags("{{ customer.a[0].b }}", lambda path: list(path) == ["a", "b"])
    assert shown == "***"


@given(st.text("{}%|'\"[].: \n-abif", max_size=60))
def test_any_text_is_read(text: str) -> None:
    reads_of([text])
    without_tags(text, lambda _: True)


def test_a_long_text_is_read_in_one_pass() -> None:
    """It would take minutes if a pattern went back over what it has read."""
    reads_of(["{{ " * 20_000, "{{ a" + ".a" * 20_000, "{{ " + "'" * 20_000, "{%" + " " * 40_000])


def test_many_names_are_told_in_time_that_grows_with_them() -> None:
    """Minutes pass where each name is compared with each, or each step makes a name longer."""
    names = "".join(f"{{{{ trigger.a{i} }}}}" for i in range(20_000))
    assert len(reads_of([names]).under("trigger")[0]) == 20_000
    longer = "{% assign a = trigger.a %}" + "{% assign a = a.b %}" * 5_000
    found = reads_of([longer, "{{ trigger" + ".a" * 50_000 + " }}"])
    found.under("trigger")
    assert found.doubts == {DEEP}
