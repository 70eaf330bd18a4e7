"""People: create or update them."""

from __future__ import annotations

from customerio_tool.subtools.declare import (
    Api,
    Effect,
    Endpoint,
    Example,
    Member,
    Pace,
    Sends,
    Subtool,
    acknowledge,
)
from customerio_tool.subtools.parts.identify import (
    PERSON_PATH,
    IdentifyCustomerArgs,
    identify_body,
    identify_caution,
    look_at_person,
)
from customerio_tool.subtools.parts.names import of_person
from customerio_tool.subtools.parts.plans import to_identify
from customerio_tool.subtools.parts.references import TRACK_PAGES
from customerio_tool.subtools.parts.repairs import mend_person
from customerio_tool.subtools.parts.targets import other_holder

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
