"""Activities: what happened to a person, and what they did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, model_validator

from customerio_tool.subtools.declare import (
    NARROWS,
    PAGE_SIZE,
    PEOPLE_FILTER,
    AlsoCalled,
    Answer,
    Api,
    Effect,
    Endpoint,
    Example,
    Invocation,
    Item,
    Line,
    Pace,
    People,
    Problem,
    Sends,
    Shape,
    Short,
    Subtool,
    object_in,
    objects_in,
    values_at,
    whole_number,
)
from customerio_tool.subtools.parts.cursors import Cursor, counted, page_of, page_schemas
from customerio_tool.subtools.parts.lookup import (
    kind_of_person,
    names_another,
    person_hint,
    person_through,
)
from customerio_tool.subtools.parts.one_person import OnePersonArgs
from customerio_tool.subtools.parts.references import APP_PAGES
from customerio_tool.subtools.parts.vocabulary import LIMIT_NAMES

if TYPE_CHECKING:
    from typing_extensions import Self

MAX_ACTIVITIES = 100
DEFAULT_ACTIVITIES = 20
KEPT_DAYS = 30
FAILED_CHANGE = "failed_attribute_change"

_SHOWN = ("type", "timestamp", "name", "url", "delivery_id", "delivery_type", "data")
_IDENTIFIERS = frozenset(["id", "email", "phone", "cio_id", "anonymous_id"])


class ListCustomerActivitiesArgs(OnePersonArgs):
    """Arguments of list_customer_activities."""

    type: Annotated[
        Line | None,
        Field(description=f"E.g. event, sent_email, {FAILED_CHANGE}."),
        Short("event, sent_email, ..."),
        NARROWS,
        AlsoCalled("activity_type", "kind"),
    ] = None
    name: Annotated[
        Line | None,
        Field(description="Name of the event or attribute; needs type."),
        Short("Needs type"),
        NARROWS,
        PEOPLE_FILTER,
        AlsoCalled("event", "event_name", "attribute"),
    ] = None
    limit: Annotated[
        Annotated[int, Field(strict=True, ge=1, le=MAX_ACTIVITIES), whole_number] | None,
        Field(description=f"Most to return; default {DEFAULT_ACTIVITIES}."),
        PAGE_SIZE,
        LIMIT_NAMES,
    ] = None
    cursor: Cursor = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.name is not None and self.type is None:
            raise Problem(
                "is missing", "give type='event' or 'attribute_change' beside name", "type"
            )
        return self


def _query(args: ListCustomerActivitiesArgs, _: Invocation) -> dict[str, Any]:
    return {
        "id_type": kind_of_person(args.customer_id, args.id_type),
        "type": args.type,
        "name": args.name,
        "limit": args.limit or DEFAULT_ACTIVITIES,
        "start": args.cursor,
    }


def _is_about(args: ListCustomerActivitiesArgs, reply: Item) -> bool:
    kind = kind_of_person(args.customer_id, args.id_type)
    places = [f"activities.customer_identifiers.{kind}"]
    found = [each for each in values_at(reply, places) if each not in (None, "")]
    return not names_another(args.customer_id, args.id_type, found)


def _brief(activity: Item) -> Item:
    """Return an activity without what is no news: nulls, and the person, who is asked for."""
    brief = {name: activity[name] for name in _SHOWN if activity.get(name) not in (None, "", {})}
    if brief.get("data") == {"delivery_id": brief.get("delivery_id")}:
        del brief["data"]
    if activity.get("type") == FAILED_CHANGE:
        brief["meaning"] = _meaning(object_in(activity.get("data")))
    return brief


def _meaning(data: Item) -> str:
    """Say what a failed change of attributes means."""
    if _IDENTIFIERS & data.keys():
        return (
            "Not stored: the identifier stayed as it was, which happens where somebody else has it "
            "or where it was set already."
        )
    return "Not stored: the attribute stayed as it was."


def _to_result(answer: Answer[ListCustomerActivitiesArgs]) -> dict[str, Any]:
    rows = [_brief(each) for each in objects_in(answer.payload["activities"])]
    members, note = page_of("activities", rows, answer.payload.get("next"), answer.args.cursor)
    found = counted(members["count"], "activity", "activities")
    reach = f"Customer.io promises the last {KEPT_DAYS} days alone."
    is_by_type = answer.args.type is not None and not rows
    exact = _EXACT_TYPE if is_by_type else ""
    return {"summary": " ".join(filter(None, [f"{found}.", exact, note, reach])), **members}


_EXACT_TYPE = "A type that Customer.io does not know finds none: a call without type shows them."


list_customer_activities = Subtool(
    name="list_customer_activities",
    description=(
        "Lists a person's timeline: events, messages, changes of attributes and changes that "
        "failed. Of the last 30 days."
    ),
    args=ListCustomerActivitiesArgs,
    endpoint=Endpoint(Api.APP, "GET", "/v1/customers/{customer_id}/activities"),
    effect=Effect.READ,
    pace=Pace.APP,
    query=_query,
    shape=Shape(
        outcome="done",
        to_result=_to_result,
        returns=page_schemas("activities", "What happened, each with its type and time."),
        expects="activities",
        untrusted=True,
        times=("activities.timestamp", "activities.data.delivered"),
    ),
    not_found_hint=person_hint,
    found_through=person_through,
    person_argument="customer_id",
    person_type_argument="id_type",
    people=People(
        at=("activities.customer_identifiers", "activities.data"),
        renamed={"activities.customer_id": ("id",)},
    ),
    about=_is_about,
    reference=APP_PAGES + "tag/customers/getPersonActivities/",
    is_lookup=True,
    examples=[
        Example(
            {"customer_id": "u1"},
            Sends("GET", "/v1/customers/u1/activities", query="id_type=id&limit=20"),
        ),
        Example(
            {
                "customer_id": "ada+test@example.com",
                "type": "event",
                "name": "Größe gewählt",
                "limit": 5,
            },
            Sends(
                "GET",
                "/v1/customers/ada%2Btest%40example.com/activities",
                query="id_type=email&type=event&name=Gr%C3%B6%C3%9Fe%20gew%C3%A4hlt&limit=5",
            ),
            title="The events of one name",
        ),
    ],
)
