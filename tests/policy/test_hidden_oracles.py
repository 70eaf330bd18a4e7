"""No call tells a hidden attribute by whom it reaches, or by the message that it sends."""

from __future__ import annotations

import time
from typing import Annotated, Any

import pytest
import responses
from pydantic import Field

from customerio_tool.policy import Policy
from customerio_tool.policy.oracles import oracle_problems
from customerio_tool.sandbox import Sandbox
from customerio_tool.subtools import subtools
from customerio_tool.subtools.declare import Args, JsonObject, Subtool
from customerio_tool.subtools.parts.audiences import Filter
from tests.support.clients import EMAIL, code_of, example_of
from tests.support.policies import EVENT, call, paths_of, tool_with

HIDDEN = ["birthday", "Date of Birth", "café", "जन्मदिन", "address.city"]
PUSH = {"customer_id": "u1", "transactional_message_id": "3"}
MAIL, NOTE, BLAST = "send_transactional_email", "send_transactional_push", "trigger_broadcast"

IS_SET = {"attribute": {"field": "birthday", "operator": "exists"}}
BY_FILTER: dict[str, tuple[dict[str, Any], str]] = {
    "alone": (IS_SET, "filter.attribute.field"),
    "in other letters": (
        {"attribute": {"field": " BirthDay", "operator": "eq", "value": "1815-12-10"}},
        "filter.attribute.field",
    ),
    "with a space": (
        {"attribute": {"field": "date of birth", "operator": "exists"}},
        "filter.attribute.field",
    ),
    "inside of an object": (
        {"attribute": {"field": "person.birthday.year", "operator": "exists"}},
        "filter.attribute.field",
    ),
    "of an object by a path": (
        {"attribute": {"field": "Address['city']", "operator": "exists"}},
        "filter.attribute.field",
    ),
    "with all of an object that holds it": (
        {"attribute": {"field": "address", "operator": "eq", "value": "x"}},
        "filter.attribute.field",
    ),
    "of an entry of a list": (
        {"attribute": {"field": "address[0].city", "operator": "exists"}},
        "filter.attribute.field",
    ),
    "with other punctuation": (
        {"attribute": {"field": "profile:birthday", "operator": "exists"}},
        "filter.attribute.field",
    ),
    "with a character that does not show": (
        {"attribute": {"field": "birth\u200bday", "operator": "exists"}},
        "filter.attribute.field",
    ),
    "deep": (
        {"and": [{"segment": {"id": 1}}, {"not": {"or": [{"not": IS_SET}]}}]},
        "filter.and[1].not.or[0].not.attribute.field",
    ),
}

LIQUID = (
    "{{ customer.birthday }}",
    "{{customer.birthday}}",
    "{{-customer.birthday-}}",
    "{{ customer . birthday }}",
    "{{ Customer.BIRTHDAY }}",
    "{{customer['birthday']}}",
    '{{ customer [ "Birthday" ] }}',
    "{{ customer.['birthday'] }}",
    "{{ customer['Date of Birth'] }}",
    "{{ customer.person.birthday.year }}",
    "{{ 'x' | append: customer.birthday }}",
    '{{ "}}" | append: customer.birthday }}',
    '{{ "}}" | append: customer }}',
    "{% if customer.birthday %}yes{% endif %}",
    "{%- if true and customer.birthday == '1815-12-10' -%}yes{%- endif -%}",
    "{% case customer.birthday %}{% when nil %}none{% endcase %}",
    "{% assign day = customer.birthday %}{{ day }}",
    "{% assign one = customer %}{{ one.birthday }}",
    "{% assign k = 'birth' | append: 'day' %}{{ customer[k] }}",
    "{% for each in customer %}{{ each }}{% endfor %}",
    "{{ customer }}",
    "{{-customer-}}",
    "{{customer}}",
    "{{customer",
    "{{ customer | json }}",
    "{{ customer.person[k] }}",
    "&#123;&#123; customer.birthday }}",
    "{{ customer.birthday",
    "Hello {{ trigger.name }}, {% if customer.birthday %}!",
    "{{ ['customer'].birthday }}",
    '{{ .["customer"]["birthday"] }}',
    "{% assign k = 'cust' | append: 'omer' %}{{ [k].plan }}",
    "{% assign k = 'cust' | append: 'omer' %}{% if[k].plan %}yes{% endif %}",
    "{{ trigger.name %} | append: customer }}",
    "{% if trigger.name }} and customer[k] %}yes{% endif %}",
    "{% raw %}{{ '{% endraw %}{% if '}}' == customer %}yes{% endif %}",
    "{% raw %}{{ ' {% endraw %}{{ '{{' | append: customer | append: '' }}",
    "{% assign one = customer.profile %}{{ one.birthday }}",
    "{% for one in customer.profiles %}{{ one['birthday'] }}{% endfor %}",
    "{% liquid\nassign one = customer.profile\necho one.birthday %}",
    "{{ customer.profiles | map: 'birthday' }}",
    "{{ customer.caf\u00e9 }}",
    "{{ customer.cafe\u0301 }}",
    "{{ customer.cafe&#769; }}",
    "{{ customer.जन्मदिन }}",
    "{{ customer.birth\u00adday }}",
    "{{ customer['\\u0062irthday'] }}",
    "{{ customer['\\u{62}irthday'] }}",
    "{{ customer['\\x62irthday'] }}",
    "{{ customer['birth\\u{110000}day'] }}",
    "{{ customer['address'].city }}",
    "{{ customer . address [ 'City' ] }}",
    "{{ customer.person.address.city.code }}",
    "{{ customer.address.first.city }}",
    "{{ customer.address }}",
    "{% for one in customer.address %}{{ one }}{% endfor %}",
    "%7B%7B%20customer.birthday%20%7D%7D",
    "&amp;#123;&amp;#123; customer.birthday }}",
)
HARMLESS = (
    "{{ customer.first_name }}",
    "{{ customer['first_name'] | default: 'friend' }}",
    "{{ customer.birthdays }}",
    "{{ customer.person.city }}",
    "{{ trigger.birthday }} and {{ event.customer }}",
    "{{ event. customer }}",
    "{{ customer.birth\\u{10ffff}day }}",
    "{% if trigger.kind == 'customer' %}x{% endif %}",
    "Dear customer, {{ trigger.name }} wishes every customer [and you] a good day",
    "Tell us your birthday, customer.birthday",
    "{{customer_name}} and {{ your-customer }}",
    "{{ customer.city }} and {{ customer.addresses }}",
    "{{ trigger.items[0].name }} at 100% [for a customer]",
    "{% for one in trigger.lines %}{{ one.birthday }}{% endfor %} {{ customer.plan }}",
    "<style>@media print{.customer{color:red}}</style>Dear customer {{ trigger.name }}'s",
    '{{ trigger.day | default: "today\'s customer" }} and {{ customer.plan }}',
)
PLACES: dict[str, tuple[str, dict[str, Any], str]] = {
    **{
        f"the {name} of a mail": (MAIL, {**EMAIL, name: "$"}, name)
        for name in ("subject", "body", "body_plain", "body_amp", "preheader")
    },
    "the name beside an address": (MAIL, {**EMAIL, "reply_to": "$ <a@example.com>"}, "reply_to"),
    "a header": (MAIL, {**EMAIL, "headers": {"X-Order": "$"}}, "headers.X-Order"),
    "a mail's data": (
        MAIL,
        {**EMAIL, "message_data": {"lines": [{"text": "$"}]}},
        "message_data.lines[0].text",
    ),
    "a name in a mail's data": (MAIL, {**EMAIL, "message_data": {"$": 1}}, ""),
    **{
        f"the {name} of a push": (NOTE, {**PUSH, name: "$"}, name)
        for name in ("title", "message", "link")
    },
    "a push's data": (NOTE, {**PUSH, "message_data": {"text": "$"}}, "message_data.text"),
    "what a push gives the app": (NOTE, {**PUSH, "custom_data": {"a": "$"}}, "custom_data.a"),
    "a raw push": (
        NOTE,
        {**PUSH, "custom_payload": {"ios": {"aps": {"alert": "$"}}}},
        "custom_payload.ios.aps.alert",
    ),
    "a broadcast's data": (
        BLAST,
        {"broadcast_id": 30, "audience": "default", "data": {"text": "$"}},
        "data.text",
    ),
    "the data of one of a broadcast": (
        BLAST,
        {
            "broadcast_id": 30,
            "audience": "per_user_data",
            "per_user_data": [{"id": "u1", "data": {"text": "$"}}],
        },
        "per_user_data[0].data.text",
    ),
    "an event's data": ("track_event", {**EVENT, "data": {"text": "$"}}, "data.text"),
    "a visitor's event": (
        "track_anonymous_event",
        {"name": "a", "anonymous_id": "v", "data": {"text": "$"}},
        "data.text",
    ),
    "a page view": (
        "track_page_view",
        {"customer_id": "u1", "url": "/", "data": {"text": "$"}},
        "data.text",
    ),
}


def filled(value: Any, text: str) -> Any:
    """Return a value with a text in the place of each `$`."""
    if isinstance(value, str):
        return value.replace("$", text)
    if isinstance(value, list):
        return [filled(item, text) for item in value]
    if isinstance(value, dict):
        return {filled(name, text): filled(item, text) for name, item in value.items()}
    return value


@pytest.mark.parametrize("case", BY_FILTER)
def test_no_audience_depends_on_a_hidden_attribute(net: responses.RequestsMock, case: str) -> None:
    condition, path = BY_FILTER[case]
    arguments = {"broadcast_id": 30, "audience": "filter", "filter": condition}
    result = call(tool_with(hidden_attributes=HIDDEN), BLAST, arguments)
    assert code_of(result) == "arguments_invalid"
    assert paths_of(result) == [path]
    assert "do not just leave the condition out" in result["error"]["fields"][0]["fix"]
    assert len(net.calls) == 0
    assert call(tool_with(dry_run=True), BLAST, arguments)["ok"]


@pytest.mark.parametrize("place", PLACES)
def test_no_message_holds_a_hidden_attribute(net: responses.RequestsMock, place: str) -> None:
    name, arguments, path = PLACES[place]
    given = filled(arguments, LIQUID[0])
    result = call(tool_with(hidden_attributes=HIDDEN), name, given)
    assert code_of(result) == "arguments_invalid"
    assert [found for found in paths_of(result) if found.startswith(path)] == paths_of(result)
    assert "take it out" in result["error"]["fields"][0]["fix"]
    assert len(net.calls) == 0
    assert call(tool_with(dry_run=True), name, given)["ok"]
    harmless = filled(arguments, HARMLESS[0])
    assert call(tool_with(hidden_attributes=HIDDEN, dry_run=True), name, harmless)["ok"]


@pytest.mark.parametrize("text", LIQUID)
def test_a_hidden_attribute_is_seen_however_it_is_written(
    net: responses.RequestsMock, text: str
) -> None:
    result = call(tool_with(hidden_attributes=HIDDEN), MAIL, {**EMAIL, "body": text})
    assert paths_of(result) == ["body"]
    assert len(net.calls) == 0


@pytest.mark.parametrize("text", HARMLESS)
def test_a_text_that_reads_no_hidden_attribute_passes(
    net: responses.RequestsMock, text: str
) -> None:
    tool = tool_with(hidden_attributes=HIDDEN, dry_run=True)
    assert call(tool, MAIL, {**EMAIL, "body": text})["ok"]


def test_the_filter_of_a_subtool_beside_the_page_is_known_by_its_type() -> None:
    class SearchArgs(Args):
        broadcast_id: int = 30
        whom: Annotated[Filter | None, Field(description="Who.")] = None
        note: JsonObject | None = None

    declared = subtools()[BLAST]
    search: Subtool[Any] = Subtool(
        **{
            **{name: getattr(declared, name) for name in ("description", "endpoint", "effect")},
            **{name: getattr(declared, name) for name in ("pace", "shape", "reference", "look")},
            "name": "write_to_some",
            "args": SearchArgs,
            "examples": declared.examples,
            "reach": declared.reach,
            "plan": declared.plan,
            "person_argument": None,
            "file_arguments": (),
            "key_argument": "broadcast_id",
            "ledger_keeps": (),
        }
    )
    args = search.parse({"whom": {"not": IS_SET}, "note": {"a": ["{{ customer.birthday }}"]}})
    hidden = frozenset(Policy(hidden_attributes=HIDDEN).hidden_attributes)
    problems = oracle_problems(search, args, hidden)
    assert [problem.path for problem in problems] == ["whom.not.attribute.field", "note.a[0]"]


@pytest.mark.parametrize("name", subtools())
def test_what_hides_an_attribute_stops_no_example(name: str, sandbox: Sandbox) -> None:
    with tool_with(sandbox.connection(), hidden_attributes=HIDDEN) as tool:
        assert code_of(tool.call(name, example_of(name))) != "arguments_invalid"


def test_a_long_text_is_searched_in_time_that_grows_with_it() -> None:
    texts = (
        " " * 100_000,
        "customer . " * 9_000,
        ".a" * 90_000,
        "%25" * 30_000,
        "'\"" * 50_000,
        "{%" * 50_000,
        "[" * 50_000,
    )
    hidden = frozenset(Policy(hidden_attributes=HIDDEN).hidden_attributes)
    subtool = subtools()[MAIL]
    for text in texts:
        args = subtool.parse({**EMAIL, "body": f"{{{{ customer{text}"})
        began = time.process_time()
        oracle_problems(subtool, args, hidden)
        assert time.process_time() - began < 10, "squared time takes minutes"
