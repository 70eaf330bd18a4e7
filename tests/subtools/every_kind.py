"""A subtool of no endpoint's own, whose arguments are of every kind that a declaration can use."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from customerio_tool.errors import ArgumentsInvalid
from customerio_tool.subtools.declare import (
    IMPLIED,
    LOOSE,
    NARROWS,
    NO_PEOPLE,
    PAGE_SIZE,
    PEOPLE_FILTER,
    RARE,
    UNNAMED,
    AlsoCalled,
    Api,
    Args,
    Effect,
    EmailAddress,
    Endpoint,
    EventName,
    Example,
    Flag,
    FoundBy,
    Identifier,
    IdType,
    JsonObject,
    Line,
    Name,
    ObjectId,
    Pace,
    PathText,
    Person,
    Sends,
    Short,
    Subtool,
    Text,
    Time,
    WellShapedId,
    Words,
    json_array,
    json_objects,
    one,
    whole_number,
)

Page = Annotated[int, Field(strict=True, ge=1, le=2000), whole_number, PAGE_SIZE]
Colors = Words({"crimson": "red", "bottle_green": "dark_green"})


class EveryKindArgs(Args):
    """Arguments of every kind; only the first is required."""

    segment_id: Annotated[
        ObjectId,
        Field(description="Id of the segment."),
        FoundBy("list_segments", ("segment_name",)),
    ]
    person: Person | None = None
    id_type: Annotated[IdType | None, IMPLIED] = None
    text: Annotated[Text | None, Short("What it says")] = None
    line: Line | None = None
    name: Name | None = None
    key: Annotated[Identifier | None, AlsoCalled("token")] = None
    email: EmailAddress | None = None
    path_id: PathText | None = None
    flag: Flag | None = None
    data: Annotated[JsonObject | None, LOOSE] = None
    people: Annotated[list[WellShapedId], Field(min_length=1, max_length=3), json_array] | None = (
        None
    )
    rows: Annotated[list[dict[str, Any]], json_objects] | None = None
    topics: dict[str, bool] | None = None
    at: Time | None = None
    event: EventName | None = None
    color: Annotated[Literal["red", "dark_green"] | None, Colors, Short("Red if not said")] = None
    audience: Annotated[Line | None, NARROWS] = None
    limit: Page | None = None
    offset: Annotated[int, Field(strict=True, ge=0), whole_number] | None = None
    where: Annotated[Line | None, PEOPLE_FILTER] = None
    template_id: Annotated[
        ObjectId | None, FoundBy("list_templates", ("template_name",), is_lookup=True)
    ] = None
    group_id: Annotated[ObjectId | None, NARROWS] = None
    rare: Annotated[Line | None, RARE] = None


every_kind = Subtool(
    name="every_kind",
    description=(
        "Reads one segment. It changes nothing. Use to see a segment (its name and size); all of "
        "them: list_segments."
    ),
    args=EveryKindArgs,
    endpoint=Endpoint(Api.APP, "GET", "/v1/segments/{segment_id}"),
    effect=Effect.READ,
    pace=Pace.APP,
    shape=one("segment", lambda args, found: f"Segment {args.segment_id} is {found['name']}."),
    person_argument="person",
    person_type_argument="id_type",
    people=NO_PEOPLE,
    about=UNNAMED,
    basic=("person", "color"),
    reference="https://docs.customer.io/integrations/api/app/",
    examples=[
        Example({"segment_id": 1}, Sends("GET", "/v1/segments/1")),
        Example({"segment_id": 2}, Sends("GET", "/v1/segments/2"), title="Another one"),
    ],
)


def told(given: Any, lookups: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return what a call of this subtool is told: its arguments, or why it is refused.

    Args:
        given: The arguments as a model sends them, beside a right `segment_id`.
        lookups: The look-ups that may run.
    """
    whole = {"segment_id": 1, **given} if isinstance(given, dict) else given
    try:
        args = every_kind.parse(whole, lookups)
    except ArgumentsInvalid as error:
        said: dict[str, Any] = {"says": error.summary.removeprefix("Nothing was sent. ")}
        if error.corrected is not None:
            said |= {"try": error.corrected}
        return said | ({"look": error.look.as_json()} if error.look else {})
    return {"read": args.given(), "reading": args.reading}
