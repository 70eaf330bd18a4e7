"""Merges two people."""

from __future__ import annotations

from customerio_tool.subtools.declare import (
    Api,
    Effect,
    Endpoint,
    Example,
    Pace,
    Sends,
    Subtool,
    acknowledge,
)
from customerio_tool.subtools.parts.merge import MergeCustomersArgs, look_at_secondary, merge_body
from customerio_tool.subtools.parts.plans import to_merge
from customerio_tool.subtools.parts.references import TRACK_PAGES
from customerio_tool.subtools.parts.targets import person_target

MERGE_PATH = "/api/v1/merge_customers"


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
