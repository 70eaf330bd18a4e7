"""People: create or update, delete, suppress, merge, and read their attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from customerio_tool.subtools.declare import (
    NARROWS,
    OMITTED,
    PERSON_NAMES,
    TRUNCATED,
    AlsoCalled,
    Answer,
    Api,
    Effect,
    Endpoint,
    Example,
    IdType,
    Invocation,
    Item,
    Line,
    Member,
    Pace,
    People,
    PersonId,
    Sends,
    Shape,
    Subtool,
    acknowledge,
    cut_note,
    fitted,
    is_hidden,
    json_array,
    nfc,
    object_in,
    shape_of,
    values_at,
)
from customerio_tool.subtools.parts.identify import (
    IdentifyCustomerArgs,
    PersonArgs,
    identify_body,
    identify_caution,
    look_at_person,
)
from customerio_tool.subtools.parts.lookup import (
    kind_of_person,
    names_another,
    person_hint,
    person_through,
)
from customerio_tool.subtools.parts.merge import MergeCustomersArgs, look_at_secondary, merge_body
from customerio_tool.subtools.parts.names import of_person
from customerio_tool.subtools.parts.one_person import OnePersonArgs
from customerio_tool.subtools.parts.plans import to_delete, to_identify, to_merge, to_suppress
from customerio_tool.subtools.parts.references import APP_OPERATIONS, TRACK_PAGES
from customerio_tool.subtools.parts.repairs import mend_person
from customerio_tool.subtools.parts.targets import NOBODY, other_holder, person_target

if TYPE_CHECKING:
    from collections.abc import Sequence


PERSON_PATH = "/api/v1/customers/{customer_id}"
MERGE_PATH = "/api/v1/merge_customers"


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


merge_customers = Subtool(
    name="merge_customers",
    description=(
        "Merges two people; the primary survives and the secondary is deleted, with its data "
        "folded in. Use for duplicates: two profiles of the same person. Irreversible; the primary "
        "keeps its own attribute values. Ask which one survives if nobody said so."
    ),
    args=MergeCustomersArgs,
    endpoint=Endpoint(Api.TRACK, "POST", MERGE_PATH),
    effect=Effect.ERASE,
    pace=Pace.TRACK,
    body=merge_body,
    shape=acknowledge(
        "Customer.io accepted the merge of {secondary_id} into {primary_id}.",
        caution="If the primary is unknown nothing happens: then `verify` finds the secondary.",
        verify=look_at_secondary,
    ),
    target=person_target(
        lambda args: args.secondary,
        nothing="Nobody with secondary_id was known before: unless an earlier call merged them, "
        "ask the user whether it is right.",
        argument="secondary_id",
        has_type=True,
    ),
    plan=to_merge,
    may_redirect_messages=True,
    person_argument="primary_id",
    person_type_argument="primary_id_type",
    reference=TRACK_PAGES + "merge",
    examples=[
        Example(
            {"primary_id": "u1", "secondary_id": "u6"},
            Sends("POST", MERGE_PATH, body={"primary": {"id": "u1"}, "secondary": {"id": "u6"}}),
        ),
        Example(
            {"primary_id": "cio_d9c106000001", "secondary_id": "zoë@example.com"},
            Sends(
                "POST",
                MERGE_PATH,
                body={
                    "primary": {"cio_id": "d9c106000001"},
                    "secondary": {"email": "zoë@example.com"},
                },
            ),
            title="Types inferred from the shape; the cio_ prefix stays out of the body",
        ),
    ],
)


class GetCustomerAttributesArgs(OnePersonArgs):
    """Arguments of get_customer_attributes."""

    customer_id: Annotated[PersonId, Field(description="Id, email, or cio_... id."), PERSON_NAMES]
    attribute_names: Annotated[
        Annotated[list[Line], json_array, Field(strict=True, min_length=1)] | None,
        Field(description="Return only these attributes."),
        NARROWS,
        AlsoCalled("attributes", "attribute", "fields", "names", "attribute_name"),
    ] = None


def _attributes_query(args: GetCustomerAttributesArgs, _: Invocation) -> dict[str, Any]:
    return {"id_type": kind_of_person(args.customer_id, args.id_type)}


def _is_about_person(args: GetCustomerAttributesArgs, reply: Item) -> bool:
    kind = kind_of_person(args.customer_id, args.id_type)
    places = [f"customer.identifiers.{kind}", f"customer.attributes.{kind}"]
    if kind == "id":
        places.append("customer.id")
    return not names_another(args.customer_id, args.id_type, values_at(reply, places))


def _under_names(stored: Item, requested: Sequence[str]) -> Item:
    """Return the attributes asked for, each under the name asked for; accents are composed."""
    known = {nfc(name): value for name, value in stored.items()}
    known = {name: stored.get(name, known.get(nfc(name))) for name in requested}
    return {name: value for name, value in known.items() if value is not None}


def _attributes_to_result(answer: Answer[GetCustomerAttributesArgs]) -> dict[str, Any]:
    customer: Item = {**answer.payload["customer"]}
    customer.pop("timestamps", None)
    requested = list(dict.fromkeys(answer.args.attribute_names or ()))
    withheld = [name for name in requested if is_hidden(name, answer.hidden)]
    missing: list[str] = []
    if requested:
        stored = _under_names(object_in(customer.get("attributes")), requested)
        customer["attributes"] = stored
        missing = [name for name in requested if name not in stored and name not in withheld]
    absent = {"not_set": missing, "withheld": withheld}
    members = fitted("customer", customer)
    note = cut_note(members, "Ask for the attributes that you need with attribute_names.")
    return {
        # The summary does not repeat the identifier, which may be a hidden attribute.
        "summary": f"This person is known; all values are strings.{note}",
        **members,
        **{member: names for member, names in absent.items() if names},
    }


get_customer_attributes = Subtool(
    name="get_customer_attributes",
    description=(
        "Retrieves a person's stored attributes via the App API. Use to look somebody up: plan, "
        "email, city, devices, whether they exist or unsubscribed. Right after a write it may show "
        "the old state. Messages they got: list_messages."
    ),
    args=GetCustomerAttributesArgs,
    endpoint=Endpoint(Api.APP, "GET", "/v1/customers/{customer_id}/attributes"),
    effect=Effect.READ,
    pace=Pace.APP,
    query=_attributes_query,
    shape=Shape(
        outcome="done",
        to_result=_attributes_to_result,
        returns={
            "customer": {"type": "object", "description": "Identifiers, attributes, devices."},
            "not_set": {
                "type": "array",
                "items": {"type": "string"},
                "description": "Attributes asked for that this person does not have.",
            },
            "withheld": {
                "type": "array",
                "items": {"type": "string"},
                "description": "Attributes that this agent may not see, set or not.",
            },
            "truncated": TRUNCATED,
            "omitted": OMITTED,
        },
        expects="customer",
        untrusted=True,
        times=("customer.attributes.created_at", "customer.devices.last_used"),
    ),
    not_found_hint=person_hint,
    found_through=person_through,
    person_argument="customer_id",
    person_type_argument="id_type",
    people=People(at=("customer",)),
    about=_is_about_person,
    reference=APP_OPERATIONS + "getPersonAttributes",
    examples=[
        Example(
            {"customer_id": "u1", "attribute_names": ["plan"]},
            Sends("GET", "/v1/customers/u1/attributes", query="id_type=id"),
        ),
        Example(
            {"customer_id": "ada+test@example.com"},
            Sends(
                "GET", "/v1/customers/ada%2Btest%40example.com/attributes", query="id_type=email"
            ),
            title="The type is inferred from the shape",
        ),
    ],
)
