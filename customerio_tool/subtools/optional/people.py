"""People: find them by address or by what is stored, and the segments that one is in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, model_validator

from customerio_tool.subtools.declare import (
    DEFAULT_LIMIT,
    NARROWS,
    NO_PEOPLE,
    UNNAMED,
    AlsoCalled,
    Answer,
    Api,
    Args,
    Effect,
    EmailAddress,
    Endpoint,
    Example,
    Invocation,
    Item,
    Pace,
    People,
    Problem,
    Sends,
    Shape,
    Short,
    Subtool,
    objects_in,
    values_at,
)
from customerio_tool.subtools.parts.audiences import Filter
from customerio_tool.subtools.parts.cursors import (
    Cursor,
    brief_person,
    counted,
    page_of,
    page_schemas,
)
from customerio_tool.subtools.parts.lookup import (
    kind_of_person,
    names_another,
    person_hint,
    person_through,
)
from customerio_tool.subtools.parts.one_person import OnePersonArgs
from customerio_tool.subtools.parts.pages import Limit
from customerio_tool.subtools.parts.references import APP_PAGES

if TYPE_CHECKING:
    from typing_extensions import Self


class FindCustomersArgs(Args):
    """Arguments of find_customers."""

    email: Annotated[
        EmailAddress | None,
        Field(description="Exact e-mail address."),
        NARROWS,
        AlsoCalled("email_address", "address", "query"),
    ] = None
    filter: Annotated[
        Filter | None,
        Field(
            description=(
                'Or {"and": [{"segment": {"id": 7}}, {"not": {"attribute": {"field": "plan", '
                '"operator": "eq", "value": "free"}}}]}; also or, exists.'
            )
        ),
        Short('{"attribute": {"field", "operator": eq or exists, "value"}}; and, or, not, segment'),
        NARROWS,
        AlsoCalled("filters", "where", "conditions"),
    ] = None
    limit: Limit = None
    cursor: Cursor = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.email is None and self.filter is None:
            raise Problem("is missing", "give email, or a filter", "email")
        if self.email is not None and self.filter is not None:
            fix = "put the address into the filter as an attribute, or leave the filter out"
            raise Problem("does not go with email", fix, "filter")
        if self.email is not None and self.cursor is not None:
            raise Problem("does not go with email", "leave it out: all are on one page", "cursor")
        return self


def _query(args: FindCustomersArgs, _: Invocation) -> dict[str, Any]:
    if args.email is not None:
        return {"email": args.email}
    return {"limit": args.limit or DEFAULT_LIMIT, "start": args.cursor}


def _body(args: FindCustomersArgs, _: Invocation) -> dict[str, Any] | None:
    return None if args.filter is None else {"filter": args.filter}


def _is_about(args: FindCustomersArgs, reply: Item) -> bool:
    found = [each for each in values_at(reply, ["results.email"]) if each not in (None, "")]
    return args.email is None or not names_another(args.email, "email", found)


def _to_result(answer: Answer[FindCustomersArgs]) -> dict[str, Any]:
    args, payload = answer.args, answer.payload
    rows = objects_in(payload.get("results" if args.email is not None else "identifiers"))
    kept = rows[: args.limit or DEFAULT_LIMIT] if args.email is not None else rows
    brief = list(map(brief_person, kept))
    members, note = page_of("customers", brief, payload.get("next"), args.cursor)
    sentences = [f"{counted(len(kept), 'person', 'people')} found.", note]
    if args.email is not None and len(rows) > 1:
        sentences.append("They share the address: ask the user who is meant.")
    if not rows:
        sentences.append("Do not create who was not found, unless the user asked for that.")
    return {"summary": " ".join(filter(None, sentences)), **members}


find_customers = Subtool(
    name="find_customers",
    description=(
        "Finds people by e-mail address, or by segments and attributes with and, or, not. Shows "
        "their ids, for the calls that need one."
    ),
    args=FindCustomersArgs,
    endpoint=Endpoint(Api.APP, "POST", "/v1/customers"),
    narrower_endpoint=Endpoint(Api.APP, "GET", "/v1/customers"),
    narrower_when=lambda args: args.email is not None,
    narrower_expects="results",
    effect=Effect.READ,
    pace=Pace.APP,
    query=_query,
    body=_body,
    shape=Shape(
        outcome="done",
        to_result=_to_result,
        returns=page_schemas("customers", "Their identifiers; cio_id where there is no id."),
        expects="identifiers",
        untrusted=True,
    ),
    person_argument="email",
    people=People(at=("identifiers", "results"), renamed={"ids": ("id",)}),
    about=_is_about,
    reference=APP_PAGES + "tag/customers/getPeopleFilter/",
    is_lookup=True,
    examples=[
        Example(
            {"email": "ada+test@example.com"},
            Sends("GET", "/v1/customers", query="email=ada%2Btest%40example.com"),
        ),
        Example(
            {
                "filter": {
                    "and": [
                        {"segment": {"id": 1}},
                        {
                            "not": {
                                "attribute": {"field": "city", "operator": "eq", "value": "Köln"}
                            }
                        },
                    ]
                },
                "limit": 2,
            },
            Sends(
                "POST",
                "/v1/customers",
                query="limit=2",
                body={
                    "filter": {
                        "and": [
                            {"segment": {"id": 1}},
                            {
                                "not": {
                                    "attribute": {
                                        "field": "city",
                                        "operator": "eq",
                                        "value": "Köln",
                                    }
                                }
                            },
                        ]
                    }
                },
            ),
            title="By what is stored: a read, although it is a POST",
        ),
    ],
)


class ListCustomerSegmentsArgs(OnePersonArgs):
    """Arguments of list_customer_segments."""


def _segments_query(args: ListCustomerSegmentsArgs, _: Invocation) -> dict[str, Any]:
    return {"id_type": kind_of_person(args.customer_id, args.id_type)}


def _segments_to_result(answer: Answer[ListCustomerSegmentsArgs]) -> dict[str, Any]:
    rows = objects_in(answer.payload["segments"])
    brief = [
        {n: row[n] for n in ("id", "name", "description") if row.get(n) not in (None, "")}
        for row in rows
    ]
    members, note = page_of("segments", brief, None)
    if note:  # there are no further pages of them
        named = [{n: v for n, v in each.items() if n != "description"} for each in brief]
        members, note = page_of("segments", named, None)
        members["truncated"] = True
        more = "; list_segment_members shows who is in another" if note else ""
        note = f"The list was too long: their descriptions are left out{more}."
    found = counted(len(rows), "segment", "segments")
    summary = f"This person is in {found}. {note}".rstrip()
    return {"summary": summary, **members, "total": len(rows)}


list_customer_segments = Subtool(
    name="list_customer_segments",
    description="Lists the segments that a person is in.",
    args=ListCustomerSegmentsArgs,
    endpoint=Endpoint(Api.APP, "GET", "/v1/customers/{customer_id}/segments"),
    effect=Effect.READ,
    pace=Pace.APP,
    query=_segments_query,
    shape=Shape(
        outcome="done",
        to_result=_segments_to_result,
        returns={
            **{
                name: each
                for name, each in page_schemas("segments", "Id, name, description.").items()
                if name != "next_cursor"
            },
            "total": {"type": "integer", "description": "Segments that this person is in."},
        },
        expects="segments",
        untrusted=True,
    ),
    not_found_hint=person_hint,
    found_through=person_through,
    person_argument="customer_id",
    person_type_argument="id_type",
    people=NO_PEOPLE,
    about=UNNAMED,
    reference=APP_PAGES + "tag/customers/getPersonSegments/",
    is_lookup=True,
    examples=[
        Example(
            {"customer_id": "u1"}, Sends("GET", "/v1/customers/u1/segments", query="id_type=id")
        ),
        Example(
            {"customer_id": "ada+test@example.com"},
            Sends("GET", "/v1/customers/ada%2Btest%40example.com/segments", query="id_type=email"),
            title="The type is inferred from the shape",
        ),
    ],
)
