"""People: delete and suppress them, and end a suppression."""

from __future__ import annotations

from customerio_tool.subtools.declare import (
    Api,
    Effect,
    Endpoint,
    Example,
    IdType,
    Pace,
    Sends,
    Subtool,
    acknowledge,
    shape_of,
)
from customerio_tool.subtools.parts.identify import PERSON_PATH, PersonArgs, look_at_person
from customerio_tool.subtools.parts.plans import to_delete, to_suppress
from customerio_tool.subtools.parts.references import TRACK_PAGES
from customerio_tool.subtools.parts.targets import NOBODY, person_target


def _named(args: PersonArgs) -> tuple[IdType, str]:
    return shape_of(args.customer_id), args.customer_id


class DeleteCustomerArgs(PersonArgs):
    """Arguments of delete_customer."""


delete_customer = Subtool(
    name="delete_customer",
    description=(
        "Deletes a person and their associated data. Use to erase one profile or contact; later "
        "data makes a new person. Irreversible. To only stop messages: identify_customer with "
        "unsubscribed=true; to block for good: suppress_customer."
    ),
    args=DeleteCustomerArgs,
    endpoint=Endpoint(Api.TRACK, "DELETE", PERSON_PATH),
    effect=Effect.ERASE,
    pace=Pace.TRACK,
    shape=acknowledge(
        "Customer.io accepted the deletion of {customer_id} and applies it shortly.",
        verify=look_at_person,
    ),
    target=person_target(_named, nothing=NOBODY),
    plan=to_delete,
    person_argument="customer_id",
    reference=TRACK_PAGES + "delete",
    examples=[
        Example({"customer_id": "u1"}, Sends("DELETE", "/api/v1/customers/u1")),
        Example(
            {"customer_id": "ada+test@example.com"},
            Sends("DELETE", "/api/v1/customers/ada%2Btest%40example.com"),
        ),
    ],
)


class SuppressCustomerArgs(PersonArgs):
    """Arguments of suppress_customer."""


suppress_customer = Subtool(
    name="suppress_customer",
    description=(
        "Suppresses a person: deletes their profile and stops all messaging to them. Use to block "
        "or ban for good and never contact again: do-not-contact, GDPR. Irreversible for the "
        "profile; later data is ignored until unsuppress_customer. To keep the profile: "
        "identify_customer with unsubscribed=true."
    ),
    args=SuppressCustomerArgs,
    endpoint=Endpoint(Api.TRACK, "POST", PERSON_PATH + "/suppress"),
    effect=Effect.ERASE,
    pace=Pace.TRACK,
    shape=acknowledge(
        "Customer.io accepted the suppression of {customer_id}: the profile is deleted shortly.",
        verify=look_at_person,
    ),
    target=person_target(_named, nothing=NOBODY),
    plan=to_suppress,
    person_argument="customer_id",
    reference=TRACK_PAGES + "suppress",
    examples=[
        Example({"customer_id": "u1"}, Sends("POST", "/api/v1/customers/u1/suppress")),
        Example({"customer_id": "team/42"}, Sends("POST", "/api/v1/customers/team%2F42/suppress")),
    ],
)


class UnsuppressCustomerArgs(PersonArgs):
    """Arguments of unsuppress_customer."""


unsuppress_customer = Subtool(
    name="unsuppress_customer",
    description=(
        "Removes a person from the suppression list, allowing messaging to resume. Use to lift a "
        "block or ban. The profile does not come back: identify_customer creates a new one."
    ),
    args=UnsuppressCustomerArgs,
    endpoint=Endpoint(Api.TRACK, "POST", PERSON_PATH + "/unsuppress"),
    effect=Effect.ADD,
    pace=Pace.TRACK,
    shape=acknowledge(
        "Customer.io accepted the end of {customer_id}'s suppression. The profile stays deleted.",
    ),
    person_argument="customer_id",
    reference=TRACK_PAGES + "unsuppress",
    examples=[
        Example({"customer_id": "u1"}, Sends("POST", "/api/v1/customers/u1/unsuppress")),
        Example(
            {"customer_id": "zoë@example.com"},
            Sends("POST", "/api/v1/customers/zo%C3%AB%40example.com/unsuppress"),
        ),
    ],
)
