"""Events: the screens of an app that a person saw."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from customerio_tool.subtools.declare import (
    Api,
    Args,
    Effect,
    Endpoint,
    EventData,
    EventName,
    Example,
    Identifier,
    Invocation,
    Member,
    Pace,
    Person,
    Sends,
    Subtool,
    Time,
    acknowledge,
)


class TrackScreenViewArgs(Args):
    """Arguments of track_screen_view."""

    viewer: Person
    screen: Annotated[EventName, Field(description="Name of the screen.")]
    properties: Annotated[EventData | None, Field(description="What else is known of it.")] = None
    seen_at: Annotated[Time | None, Field(description="When; default now.")] = None
    view_id: Annotated[Identifier | None, Field(description="Deduplication key of the view.")] = (
        None
    )


def _id(args: TrackScreenViewArgs, at: Invocation) -> str:
    return at.event_id(args.view_id, args.viewer, args.screen)


def _body(args: TrackScreenViewArgs, at: Invocation) -> dict[str, Any]:
    return {
        "name": args.screen,
        "type": "screen",
        "id": _id(args, at),
        "timestamp": at.now_seconds if args.seen_at is None else args.seen_at,
        **({} if args.properties is None else {"data": args.properties}),
    }


track_screen_view = Subtool(
    name="track_screen_view",
    description="Records that a known person saw a screen of an app.",
    args=TrackScreenViewArgs,
    endpoint=Endpoint(Api.TRACK, "POST", "/api/v1/customers/{viewer}/events"),
    effect=Effect.RECORD,
    pace=Pace.TRACK,
    body=_body,
    shape=acknowledge("Customer.io accepted the screen view of {viewer}."),
    always={
        "view_id": Member({"type": "string", "description": "Id of the view's event."}, _id),
    },
    may_start_campaigns=True,
    person_argument="viewer",
    data_argument="properties",
    reference="https://docs.customer.io/api/track/#operation/track",
    examples=[
        Example(
            {"viewer": "u1", "screen": "Checkout"},
            Sends(
                "POST",
                "/api/v1/customers/u1/events",
                body={
                    "name": "Checkout",
                    "type": "screen",
                    "id": "$ulid",
                    "timestamp": "$now",
                },
            ),
        ),
        Example(
            {"viewer": "team/42", "screen": "Größe", "properties": {"from": None}},
            Sends(
                "POST",
                "/api/v1/customers/team%2F42/events",
                body={
                    "name": "Größe",
                    "type": "screen",
                    "id": "$ulid",
                    "timestamp": "$now",
                    "data": {"from": None},
                },
            ),
            title="A slash in the id",
        ),
    ],
)
