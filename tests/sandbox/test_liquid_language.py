"""The vendor's Liquid, and what a hostile template may cost."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customerio_tool.sandbox.liquid.filters import FILTERS, OF_RUN
from customerio_tool.sandbox.liquid.parsing import render
from customerio_tool.sandbox.liquid.run import Run
from customerio_tool.sandbox.liquid.steps import OF_A_MESSAGE, OF_A_REQUEST, NotRendered, Steps
from customerio_tool.sandbox.liquid.values import LARGEST
from tests.support.sandbox_api import NOW

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
HATS = [{"name": "bowler", "price": 3}, {"name": "Fez", "price": 1}, {"name": "bowler"}]
BIG = "a" * 900_000
CUSTOMER: dict[str, Any] = {
    "first_name": "Ada",
    "id": "u1",
    "null": None,
    "no": False,
    "empty": "",
    "price": "12.5",
    "limit": 7,
    "hats": HATS,
    "words": ["b", "A", "c"],
    "numbers": [3, 1, 2.5],
    "template": "Dear {{customer.first_name}}",
}
LARGE = {
    "big": BIG,
    "html": "<" * 900_000,
    "list": list(range(150_000)),
    "objects": HATS * 10_000,
    "pattern": "%c" * 200_000,
    "short": "%c" * 100,
}


FEW_STEPS = OF_A_MESSAGE // 5
MOST_CALLS = 30 * FEW_STEPS
"""Of Python's functions, for so many steps: a clock would measure the machine."""


@contextmanager
def counted_calls(most: int) -> Iterator[None]:
    """Stop the block when it has called that many functions."""
    left, before = most, sys.getprofile()

    def count(*_: object) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            sys.setprofile(before)
            raise RuntimeError("too many calls")

    sys.setprofile(count)
    try:
        yield
    finally:
        sys.setprofile(before)
    assert left > 0


def outcome(template: str, run: Run) -> tuple[bool, str]:
    """The text that a template makes, or the reason why it makes none."""
    try:
        return True, render(template, run)
    except NotRendered as problem:
        return False, str(problem)


def run_of(data: dict[str, Any] | None = None, **options: Any) -> Run:
    values = {"customer": data or CUSTOMER, "trigger": {}}
    return Run(values, "DELIVERY", NOW, Steps().of_a_message(), **options)


def text(template: str) -> str:
    return render(template, run_of())


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{customer.first_name}} {{customer['first_name']}}", "Ada Ada"),
        ("{{customer.limit}} {{customer.empty}}|{{customer.null}}", "7 |"),
        ("{{customer.missing | default: 'none'}}{{customer.no | default: '!'}}", "none!"),
        ("{% if customer.missing != blank %}1{% else %}2{% endif %}", "2"),
        ("{% if customer.missing == nil and customer.empty == blank %}1{% endif %}", "1"),
        ("{% unless customer.no == blank %}1{% endunless %}", ""),
        ("{% if customer.first_name == blank %}1{% elsif customer.id %}2{% endif %}", "2"),
        ("{% for hat in customer.hats %}{{hat.name}} {% endfor %}", "bowler Fez bowler "),
        ("{% for i in (1..3) %}{{i}}{{forloop.last}} {% endfor %}", "1false 2false 3true "),
        ("{% for i in (1..9) %}{% if i == 3 %}{% break %}{% endif %}{{i}}{% endfor %}", "12"),
        ("{% case customer.id %}{% when 'u0', 'u1' %}1{% else %}2{% endcase %}", "1"),
        ("{% assign a = 'x' %}{% capture b %}{{a}}y{% endcapture %}{{b}}", "xy"),
        ("{% raw %}{{ a }}{% endraw %}{% comment %}{{ b }}{% endcomment %}", "{{ a }}"),
        ("{% cycle 'a', 'b' %}{% cycle 'a', 'b' %}{% increment n %}{{- ' c' }}", "ab0 c"),
        ("{% render_liquid customer.template %}", "Dear Ada"),
        ("{% cio_link url:https://example.com track:false %}", "https://example.com"),
        ("{% unsubscribe_url %}", "https://sandbox.invalid/unsubscribe/DELIVERY"),
        ("{{event.any.thing}}{{unsubscribe_url}}", ""),
        ("{{customer.hats[0]}}", '{"name":"bowler","price":3}'),
        ("{{customer.words}} {{customer.hats.size}} {{customer.words | size}}", "bAc 3 3"),
        ("{{ 5.0 }} {{ 2 | plus: '1.5' }} {{ 'x' | plus: 1 }}", "5 3.5 1"),
        ("{{ 7 | divided_by: 2 }} {{ 7.0 | divided_by: 2 }} {{ -7 | modulo: 3 }}", "3 3.5 2"),
        ("{{ 4.32 | round: 1 }} {{ 4.5 | round }} {{ 4.1 | ceil }} {{ 4.9 | floor }}", "4.3 5 5 4"),
        ("{{ 41 | at_least: 42 }} {{ -1 | abs }} {{ 3 | times: 2 | minus: 1 }}", "42 1 5"),
        ("{{ 10000 | format_number }}", "10,000"),
        ("{{ 1234567.896 | currency: 'en-GB' }}", "£1,234,567.90"),
        ("{{ 1234567.896 | rounded_currency: 'en', 'EUR' }}", "€1,234,568"),
        ("{{ 1226000000 | date_to_long_string: 'ordinal', 'US' }}", "November 6th, 2008"),
        ("{{ 1483272000 | date: '%H:%M %Z', 'America/New_York' }}", "07:00 EST"),
        ("{{ 1483272000 | timezone: '(GMT-11:00) Hawaii' | date: '%R' }}", "01:00"),
        ("{{ 'now' | add_day: 1 | date: '%-d %b' }} {{ 'soon' | date: '%Y' }}", "16 Jan soon"),
        ("{{ 1706659200 | add_month: 1 | date: '%F' }}", "2024-02-29"),
        ("{{ 'a,b' | split: ',' | push: 'c' | array_to_sentence_string: 'or' }}", "a, b, or c"),
        ("{{ customer.hats | map: 'name' | uniq | join: '-' }}", "bowler-Fez"),
        ("{{ customer.hats | where: 'name', 'bowler' | size }}", "2"),
        ("{{ customer.hats | sum: 'price' }} {{ customer.numbers | sort | join }}", "4 1 2.5 3"),
        ("{{ customer.words | sort | join }}", "A b c"),
        ("{{ '{\"a\":[1]}' | from_json | to_json }}", '{"a":[1]}'),
        ("{{ '<b>' | escape }} {{ '&lt;b' | escape_once }}", "&lt;b&gt; &lt;b"),
        ("{{ '<i>x</i><script>1</script><!-- > --> y' | strip_html }}", "x y"),
        ("{{ 'Customer.io' | slice: '-4', 3 }} {{ 'what is up' | truncate: 7 }}", "r.i what..."),
        ("{{ 'Zoë & co' | slugify }} {{ 'a b' | titlecase }}", "zoë-co A B"),
        ("{{ 'x' | hmac_sha256: 'k' | hex_base64 | size }} {{ 'eA' | base64_decode }}", "44 x"),
    ],
)  # fmt: skip
def test_a_template_is_rendered_as_documented(template: str, expected: str) -> None:
    assert text(template) == expected


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{{customer.missing}}", "Variable 'customer.missing' is missing"),
        ("{{customer.missing | upcase}}", "Variable 'customer.missing' is missing"),
        ("{% assign a = customer.missing %}", "Variable 'customer.missing' is missing"),
        ("{% for a in customer.missing %}{% endfor %}", "Variable 'customer.missing' is missing"),
        ("{{customer.hats[9].name}}", "Variable 'customer.hats.9.name' is missing"),
        ("{% if customer.price > 5 %}{% endif %}", "Unidentified method"),
        ("{{ 5 | divided_by: 0 }}", "divided by 0"),
        ("{{ 5 | currency: 'elvish' }}", "the locale 'elvish' is unknown"),
        ("{{ 5 | date: '%R', 'Mars/Base' }}", "a time zone is unknown"),
        ("{% include 'x' %}", "Unknown tag 'include'"),
        ("{% endif %}", "Unknown tag 'endif'"),
        ("{% if 1 %}", "endif"),
        ("{% raw %}", "raw tag was never closed"),
        ("{{ }}", "names nothing"),
        ("{{ 1 | truncate: length: 3 }}", "no named arguments"),
    ],
)
def test_what_is_wrong_with_a_template_is_said(template: str, reason: str) -> None:
    with pytest.raises(NotRendered) as error:
        text(template)
    assert reason in str(error.value)
    assert "\n" not in str(error.value)


OFTEN = "{{% for i in (1..9000) %}}{}{{% endfor %}}"
HOSTILE = {
    "a loop": "{% for i in (1..9999) %}{% for j in (1..9999) %}x{% endfor %}{% endfor %}",
    "the end of a range": "{% for i in (1..100000000) offset: 99999990 %}x{% endfor %}",
    "a heavy loop": "{% for i in (1..9999) %}" + "{% if 1 %}{% endif %}" * 900 + "{% endfor %}",
    "many loops": "{% for i in (1..9999) %}{% endfor %}" * 900,
    "a cycle": "{% for i in (1..9999) %}{% cycle " + ",".join(["'a'"] * 900) + " %}{% endfor %}",
    "doubled texts": "{% assign a = 'xxxxxxxx' %}" + "{% assign a = a | append: a %}" * 40,
    "doubled lists": "{% assign a = '1' | split: '' %}" + "{% assign a = a | concat: a %}" * 40,
    "nested lists": "{% assign a = '1' | split: '' %}" + "{% assign a = a | push: a %}" * 40,
    "replaced": "{{ customer.big | replace: 'a', customer.big }}",
    "joined": "{{ customer.list | join: customer.big }}",
    "a joined range": "{{ (1..100000000) | join }}",
    "a searched range": "{% if (1..100000000) contains 'x' %}{% endif %}",
    "a named range": "{% assign r = (1..100000000) %}",
    "searched often": OFTEN.format("{% if customer.big contains 'b' %}{% endif %}"),
    "compared often": OFTEN.format("{% if customer.objects == customer.list %}{% endif %}"),
    "JSON often": OFTEN.format("{{ customer.objects | json | size }}"),
    "printed often": "{% for i in (1..9) %}{{ customer.list }}{% endfor %}",
    "escaped": "{{ customer.html | escape }}",
    "a copy of all": "{{ customer.big }}{{ customer.big }}",
    "captured": "{% capture a %}{{ customer.big }}{% endcapture %}" * 999,
    "a long pattern": "{{ 'now' | date: customer.pattern }}",
    "patterns": "{% for i in (1..999) %}{% assign a = 'now' | date: customer.short %}{% endfor %}",
    "amounts": "{% for i in (1..1800) %}{{ i | currency: 'de' }}{% endfor %}",
    "numbers": "{% for i in (1..1800) %}{{ i | format_number: 'de' }}{% endfor %}",
    "itself": "{% render_liquid customer.itself %}",
    "unclosed": "{{" * 500_000,
    "unclosed in a comment": "{% comment %}" + "{% raw %}" * 100_000,
    "brackets": '{{ a["' * 200 + "}}",
    "long tags": ("{{ a" + '["' * 2400 + " }}") * 200,
    "deep blocks": "{% if 1 %}" * 900,
    "deep brackets": "{{ " + "[" * 4900 + " }}",
    "too long": "{{1}}" + "x" * LARGEST,
}  # fmt: skip


@pytest.mark.parametrize("template", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_template_ends_within_its_steps(template: str) -> None:
    run = run_of({**LARGE, "itself": "{% render_liquid customer.itself %}"})
    run.steps = Steps(FEW_STEPS)
    with counted_calls(MOST_CALLS), pytest.raises(NotRendered):
        render(template, run)


@pytest.mark.parametrize(
    "template",
    [
        "{{ 5 | round: -999999999 }}",
        "{{ '1e999999999' | plus: 1 | round }}",
        "{% assign a = 99999 %}" + "{% assign a = a | times: a %}" * 200 + "{{a}}",
        "{{ " + "9" * 4000 + " | plus: 1 }}",
        "{{ customer.html | append: '>' | strip_html | size }}",
        "{{ customer.html | strip_html | size }}",
        "{{ 'x' | to_json: 999999999 }}",
        "{{ 'now' | date: '%999999999d' }}",
        "{{ customer.big | slice: 0, 99999999999 | size }}",
    ],
)
def test_a_hostile_argument_makes_nothing_large(template: str) -> None:
    assert len(render(template, run_of(LARGE))) < 30


def test_all_messages_of_a_request_share_its_steps() -> None:
    whole = Steps()
    for _ in range(OF_A_REQUEST // OF_A_MESSAGE):
        whole.of_a_message().spend(OF_A_MESSAGE)
    with pytest.raises(NotRendered, match="10,000,000 steps"):
        whole.of_a_message().spend(1)


PIECES = [
    '{{', '}}', '{%', '%}', '-', '|', ':', ',', '.', '..', '(', ')', '[', ']', "'", '"',
    'customer', 'trigger', 'a', 'b', '1', '99999999999', '-1', '0.5', 'blank', 'nil', '==',
    'contains', 'if', 'endif', 'for', 'in', 'endfor', 'case', 'when', 'assign', '=', 'capture',
    'raw', 'endraw', 'cycle', 'random', 'upcase', 'render_liquid', 'cio_link', 'url:', 'date',
    "'%c'", 'replace', 'sort', 'join', 'split', 'currency', 'from_json', 'group_by',
]  # fmt: skip
TEMPLATES = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=25).map(" ".join)
OUTPUTS = st.lists(st.sampled_from(PIECES[4:]), min_size=1, max_size=8).map(
    lambda parts: "{{ customer.a " + " ".join(parts) + " }}"
)


@settings(max_examples=150)
@given(template=TEMPLATES | OUTPUTS | st.text(), value=JSON)
def test_any_template_is_text_or_has_a_reason(template: str, value: Any) -> None:
    run = Run({"customer": {"a": value}, "trigger": {"b": value}}, "D", NOW, Steps().of_a_message())
    is_text, made = outcome(template, run)
    assert len(made.encode()) <= LARGEST
    assert is_text or made


NAMES = sorted({*FILTERS, *OF_RUN})


@settings(max_examples=100)
@given(name=st.sampled_from(NAMES), value=JSON, first=JSON, second=JSON, count=st.integers(0, 2))
def test_any_value_and_argument_of_a_filter_is_text_or_has_a_reason(
    name: str, value: Any, first: Any, second: Any, count: int
) -> None:
    run = run_of({"a": value, "b": first, "c": second})
    arguments = ["", ": customer.b", ": customer.b, customer.c"][count]
    is_text, made = outcome(f"{{{{ customer.a | {name}{arguments} }}}}", run)
    assert is_text or made
