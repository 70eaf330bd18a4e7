"""The arguments and the body of identify_customer, and the argument that identifies a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, model_validator

from customerio_tool.subtools.declare import (
    LOOSE,
    NARROWS,
    AlsoCalled,
    Answer,
    Args,
    Flag,
    IdType,
    Invocation,
    Look,
    Person,
    Problem,
    Short,
    Time,
    canonical,
    shape_of,
)
from customerio_tool.subtools.parts.attributes import (
    IDENTIFIER_ATTRIBUTES,
    MAX_ATTRIBUTES,
    AttributeEmail,
    AttributeId,
    Attributes,
    Relationships,
    Topics,
)

if TYPE_CHECKING:
    from typing_extensions import Self


def look_at_person(args: PersonArgs) -> Look:
    """Return the read that shows the stored person."""
    return Look("get_customer_attributes", {"customer_id": args.customer_id})


PERSON_PATH = "/api/v1/customers/{customer_id}"


class PersonArgs(Args):
    """Base of the arguments of a subtool with one person in its path."""

    customer_id: Person


class IdentifyCustomerArgs(PersonArgs):
    """Arguments of identify_customer."""

    attributes: Annotated[
        Attributes | None,
        Field(description="Name to value; null deletes the attribute, absent ones stay."),
        Short("null deletes"),
        LOOSE,
        AlsoCalled("traits", "properties", "custom_attributes", "data", "fields", "attrs"),
    ] = None
    email: Annotated[
        AttributeEmail | None, Field(description="Email address to store."), NARROWS
    ] = None
    created_at: Annotated[Time | None, Field(description="Signed up: ISO 8601 or Unix time.")] = (
        None
    )
    unsubscribed: Annotated[
        Flag | None, Field(description="True unsubscribes from all messages.")
    ] = None
    topics: Annotated[
        Topics | None,
        Field(description='Topic subscriptions, e.g. {"topic_1": true}; other topics stay.'),
        Short('{"topic_1": true}'),
    ] = None
    anonymous_id: Annotated[
        AttributeId | None, Field(description="Joins earlier anonymous events of this id.")
    ] = None
    relationships: Annotated[
        Relationships | None,
        Field(description="Objects to relate: [{object_type_id, object_id, attributes?}]."),
    ] = None
    remove_relationships: Annotated[
        Flag | None, Field(description="True removes these relationships instead.")
    ] = None
    update_only: Annotated[
        Flag | None,
        Field(description="True never creates a person; a miss is not reported."),
        NARROWS,
    ] = None
    timestamp: Annotated[Time | None, Field(description="When it changed; default now.")] = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.remove_relationships and not self.relationships:
            raise Problem("is missing", "name the relationships to remove", "relationships")
        sent = self.all_attributes()
        if len(sent) > MAX_ATTRIBUTES:
            raise Problem("are too many", f"send at most {MAX_ATTRIBUTES} per call", "attributes")
        for name, value in (self.attributes or {}).items():
            if sent[name] != value:
                raise Problem("differs from the argument", "give it once", "attributes", name)
        return self

    def all_attributes(self) -> dict[str, Any]:
        """Return the members of `attributes` and the attributes with an argument of their own."""
        named = {
            "email": self.email,
            "created_at": self.created_at,
            "unsubscribed": self.unsubscribed,
            "anonymous_id": self.anonymous_id,
        }
        given = {name: value for name, value in named.items() if value is not None}
        return {**(self.attributes or {}), **given}

    def other_identifiers(self) -> list[tuple[IdType, str]]:
        """Return the type and value of the identifiers that the call gives to the person."""
        given = self.all_attributes()
        kinds: tuple[IdType, ...] = ("email", "id")
        named = canonical(self.customer_id, shape_of(self.customer_id))
        pairs = [(kind, str(given[kind])) for kind in kinds if given.get(kind) not in (None, "")]
        return [(kind, value) for kind, value in pairs if canonical(value, kind) != named]

    def deleted_attributes(self) -> list[str]:
        """Return the names of the attributes that the call deletes, without identifiers."""
        return [name for name in self._emptied() if name not in IDENTIFIER_ATTRIBUTES]

    def emptied_identifiers(self) -> list[str]:
        """Return the names of the identifiers that the call sets to an empty value."""
        return [name for name in self._emptied() if name in IDENTIFIER_ATTRIBUTES]

    def _emptied(self) -> list[str]:
        return [name for name, value in self.all_attributes().items() if value in (None, "")]


def identify_body(args: IdentifyCustomerArgs, _: Invocation) -> dict[str, Any]:
    """Return the body: one flat object with the attributes and Customer.io's control members.

    A null is sent as "", which is known to delete an attribute; whether null does is UNVERIFIED.
    """
    body = {name: "" if value is None else value for name, value in args.all_attributes().items()}
    for topic, subscribed in (args.topics or {}).items():
        body[f"cio_subscription_preferences.topics.{topic}"] = subscribed
    if args.relationships:
        action = "delete_relationships" if args.remove_relationships else "add_relationships"
        body["cio_relationships"] = {"action": action, "relationships": args.relationships}
    if args.update_only:
        body["_update"] = True
    # An older time than the stored one loses: a time of ours would, where our clock is behind.
    return body if args.timestamp is None else body | {"_timestamp": args.timestamp}


def identify_caution(answer: Answer[IdentifyCustomerArgs]) -> str:
    """Return sentences on what Customer.io's 200 does not prove."""
    args, sentences = answer.args, []
    if not (args.all_attributes() or args.topics or args.relationships):
        sentences.append("No attribute was given: nothing was stored but the person.")
    emptied = args.emptied_identifiers()
    if emptied:
        names = ", ".join(emptied)
        sentences.append(f"The identifier ({names}) may stay: `verify` shows it.")
    if args.update_only:
        sentences.append("If nobody has this identifier nothing changes: `verify` shows it.")
    if any("cio_object_id" in each["identifiers"] for each in args.relationships or ()):
        sentences.append("A cio_object_id of no object may be dropped: ask the user to check it.")
    if args.other_identifiers():
        sentences.append(_TWO_PEOPLE)
    return " ".join(sentences)


_TWO_PEOPLE = (
    "If the id and the email belong to two people, Customer.io ignores the second, or merges the "
    "two for good and deletes the younger (the default since September 2021); if only the second "
    "is known, its owner gets the first. `verify` shows which: without the second it was ignored, "
    "with it there is one person now."
)
