"""Reads the attributes of a person."""

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
    Invocation,
    Item,
    Line,
    Pace,
    People,
    PersonId,
    Sends,
    Shape,
    Subtool,
    cut_note,
    fitted,
    is_hidden,
    json_array,
    nfc,
    object_in,
    values_at,
)
from customerio_tool.subtools.parts.lookup import (
    kind_of_person,
    names_another,
    person_hint,
    person_through,
)
from customerio_tool.subtools.parts.one_person import OnePersonArgs
from customerio_tool.subtools.parts.references import APP_OPERATIONS

if TYPE_CHECKING:
    from collections.abc import Sequence


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
