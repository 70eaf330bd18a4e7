"""People: create or update, delete and suppress them."""

from __future__ import annotations

from customerio_tool.subtools.declare import (
    Api,
    Effect,
    Endpoint,
    Example,
    IdType,
    Member,
    Pace,
    Sends,
    Subtool,
    acknowledge,
    shape_of,
)
from customerio_tool.subtools.parts.identify import (
    IdentifyCustomerArgs,
    PersonArgs,
    identify_body,
    identify_caution,
    look_at_person,
)
from customerio_tool.subtools.parts.names import of_person
from customerio_tool.subtools.parts.plans import to_delete, to_identify, to_suppress
from customerio_tool.subtools.parts.references import TRACK_PAGES
from customerio_tool.subtools.parts.repairs import mend_person
from customerio_tool.subtools.parts.targets import NOBODY, other_holder, person_target

PERSON_PATH = "/api/v1/customers/{customer_id}"


def _named(args: PersonArgs) -> tuple[IdType, str]:
    return shape_of(args.customer_id), args.customer_id


identify_customer = Subtool(
    name="identify_customer",
    description=(
        "Creates or updates a person (upsert) with attributes. Merge semantics; a null attribute "
        "value deletes it. Use to sign up or add a contact, change their data (name, email, city, "
        "plan) or opt them out (unsubscribed). What they did: track_event."
    ),
    args=IdentifyCustomerArgs,
    endpoint=Endpoint(Api.TRACK, "PUT", PERSON_PATH),
    effect=Effect.OVERWRITE,
    pace=Pace.TRACK,
    body=identify_body,
    mend=mend_person,
    shape=acknowledge(
        "Customer.io accepted the attributes of {customer_id} and applies them shortly.",
        caution=of_person(identify_caution),
        verify=look_at_person,
        removed=Member(
            {"type": "array", "items": {"type": "string"}, "description": "Attributes deleted."},
            lambda args, _: args.deleted_attributes() or None,
        ),
    ),
    target=other_holder,
    plan=to_identify,
    may_start_campaigns=True,
    person_argument="customer_id",
    basic=("attributes", "email", "created_at", "unsubscribed", "topics", "anonymous_id"),
    reference=TRACK_PAGES + "identify",
    examples=[
        Example(
            {"customer_id": "u1", "attributes": {"plan": "pro", "logins": 3}},
            Sends(
                "PUT",
                "/api/v1/customers/u1",
                body={"plan": "pro", "logins": 3},
            ),
        ),
        Example(
            {
                "customer_id": "ada+test@example.com",
                "attributes": {"nickname": None, "city": "Zürich"},
                "created_at": "2025-11-22T08:26:40Z",
                "topics": {"topic_1": False},
            },
            Sends(
                "PUT",
                "/api/v1/customers/ada%2Btest%40example.com",
                body={
                    "nickname": "",
                    "city": "Zürich",
                    "created_at": 1763800000,
                    "cio_subscription_preferences.topics.topic_1": False,
                },
            ),
            title="An e-mail address as identifier, and a null that deletes an attribute",
        ),
    ],
)


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
