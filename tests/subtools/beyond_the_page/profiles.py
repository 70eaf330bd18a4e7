"""People: erase a profile."""

from __future__ import annotations

from customerio_tool.subtools.declare import (
    Api,
    Args,
    Effect,
    Endpoint,
    Example,
    IdType,
    Look,
    Pace,
    Person,
    Sends,
    Subtool,
    acknowledge,
    shape_of,
)
from customerio_tool.subtools.parts.plans import quoted
from customerio_tool.subtools.parts.targets import person_target


class EraseProfileArgs(Args):
    """Arguments of erase_profile."""

    profile: Person


def _named(args: EraseProfileArgs) -> tuple[IdType, str]:
    return shape_of(args.profile), args.profile


erase_profile = Subtool(
    name="erase_profile",
    description="Erases the profile of a person. To change what is stored, use identify_customer.",
    args=EraseProfileArgs,
    endpoint=Endpoint(Api.TRACK, "DELETE", "/api/v1/customers/{profile}"),
    effect=Effect.ERASE,
    pace=Pace.TRACK,
    shape=acknowledge(
        "Customer.io accepted that {profile} is erased.",
        verify=lambda args: Look("get_customer_attributes", {"customer_id": args.profile}),
    ),
    target=person_target(
        _named, nothing="Nobody with this profile was known before: ask the user who is meant."
    ),
    plan=lambda args: f"Erase the profile {quoted(args.profile)}.",
    person_argument="profile",
    reference="https://docs.customer.io/api/track/#operation/delete",
    examples=[
        Example({"profile": "u1"}, Sends("DELETE", "/api/v1/customers/u1")),
        Example(
            {"profile": "team/42"},
            Sends("DELETE", "/api/v1/customers/team%2F42"),
            title="A slash in the id",
        ),
    ],
)
