"""The demo's conversation as data: the user's words, the assistant's calls and their checks.

Arguments are JSON text as models write it: numbers as strings, and null for unused arguments. In a
step with a repair they also hold a mistake that models make.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from customerio_tool.doors.cli.demo import checks, repairs
from customerio_tool.doors.cli.demo.checks import Evidence
from customerio_tool.doors.cli.demo.repairs import Repair


@dataclass(frozen=True, kw_only=True)
class Step:
    """One call of the assistant, and the check of its effect.

    Args:
        asked: The user's words before the call; empty if the assistant goes on by itself.
        subtool: The subtool to call.
        arguments: Its arguments as JSON text; `$segment` stands for the newest segment's id,
            as `$person`, `$message` and `$template` do for what a look-up found.
        repair: Repairs the arguments after the error; None if they are right at once.
        check: Raises `Mismatch` unless the server shows the promised effect.
        proof: The finding of a check that passed, in a few words.
    """

    asked: str = ""
    subtool: str
    arguments: str
    repair: Repair | None = None
    check: Callable[[Evidence], None]
    proof: str


@dataclass(frozen=True)
class Act:
    """A part of the conversation."""

    title: str
    steps: tuple[Step, ...]


VISITOR = Act(
    "A visitor becomes a customer",
    (
        Step(
            asked="Somebody (cookie web-7f3) keeps looking at the blue mug. Take a note.",
            subtool="track_anonymous_event",
            arguments='{"name": "product_viewed", "data": {"product": "blue mug"}}',
            repair=repairs.give(anonymous_id=checks.COOKIE),
            check=checks.visitor_waits,
            proof="the event waits, once",
        ),
        Step(
            asked="It was Mara! She signed up just now: mara+shop@example.com.",
            subtool="identify_customer",
            arguments='{"custmer_id": "mara", "email": "mara+shop@example.com", "attributes": '
            '{"first_name": "Mara"}, "created_at": "2026-11-23T09:00:00Z", '
            '"anonymous_id": "web-7f3", "unsubscribed": null}',
            repair=repairs.rename,
            check=checks.mara_is_known,
            proof="stored; her visit joined",
        ),
        Step(
            asked="And Grace, customer team/42, is off her plan. Clear it.",
            subtool="identify_customer",
            arguments='{"customer_id": "team/42", "attributes": {"plan": null}, "topics": null}',
            check=checks.plan_is_gone,
            proof="null deleted the plan only",
        ),
        Step(
            asked="What do we know about Mara?",
            subtool="get_customer_attributes",
            arguments='{"customer_id": "mara+shop@example.com", "id_type": "id"}',
            repair=repairs.leave_out,
            check=checks.attributes_agree,
            proof="same attributes as the server's",
        ),
        Step(
            asked="She is on our sale page, and has paid order 1001.",
            subtool="track_page_view",
            arguments='{"customer_id": "..", "url": "https://kiln.example/sale?utm=spring"}',
            repair=repairs.give(customer_id=checks.MARA),
            check=checks.page_is_seen,
            proof="one page view on her timeline",
        ),
        Step(
            subtool="track_event",
            arguments='{"customer_id": "mara", "name": "order_paid", "data": '
            '{"order": "1001", "total": 48.5}, "event_id": "order-1001", "timestamp": null}',
            check=checks.order_is_recorded,
            proof="on her timeline",
        ),
        Step(
            asked="Did that go through? Send it again, to be safe.",
            subtool="track_event",
            arguments='{"customer_id": "mara", "name": "order_paid", "data": '
            '{"order": "1001", "total": 48.5}, "event_id": "order-1001"}',
            check=checks.order_is_recorded_once,
            proof="repeat arrived, recorded once",
        ),
    ),
)

SHIPPING = Act(
    "Her order ships",
    (
        Step(
            asked="She has our app on her Android phone, token fcm:mara/phone.",
            subtool="add_device",
            arguments='{"customer_id": "mara", "device_id": "fcm:mara/phone", "platform": "phone"}',
            repair=repairs.choose("android"),
            check=checks.phone_is_kept,
            proof="the phone is hers",
        ),
        Step(
            asked="Tell her phone order 1001 is on its way; mail her our receipt template.",
            subtool="send_transactional_push",
            arguments='{"customer_id": "mara", "transactional_message_id": "order_shipped", '
            '"message_data": "{\\"order\\": \\"1001\\"}", "sound": null}',
            check=checks.push_is_sent,
            proof="one push, to that phone",
        ),
        Step(
            subtool="send_transactional_email",
            arguments='{"to": "mara+shop@example.com", "customer_id": "mara", '
            '"transactional_message_id": "recipt"}',
            repair=repairs.give(transactional_message_id="receipt"),
            check=checks.mail_is_sent,
            proof="one mail, to her address",
        ),
        Step(
            subtool="list_messages",
            arguments='{"type": "email", "limit": "5", "metric": null}',
            check=checks.messages_agree,
            proof="same mails in the same order",
        ),
        Step(
            asked="She lost that phone. Take it off.",
            subtool="delete_device",
            arguments='{"customer_id": "mara", "device_id": "fcm:mara/phone"}',
            check=checks.phone_is_gone,
            proof="the phone is gone",
        ),
    ),
)

NEWS = Act(
    "News for those who care",
    (
        Step(
            asked="Make a group of people who love mugs: Mara and Ada (u1), not Ada's address.",
            subtool="list_segments",
            arguments='{"type": "of people", "full": null}',
            repair=repairs.choose("manual"),
            check=checks.manual_segments_agree,
            proof="same manual segments",
        ),
        Step(
            subtool="create_manual_segment",
            arguments='{"name": "Mug fans", "description": null}',
            check=checks.segment_is_made,
            proof="one new segment, manual and empty",
        ),
        Step(
            subtool="add_to_segment",
            arguments='{"segment_id": "$segment", '
            '"customer_ids": ["mara", "u1", "ada+test@example.com"]}',
            repair=repairs.drop_items,
            check=checks.mara_and_ada_are_in,
            proof="members are mara and u1",
        ),
        Step(
            asked="Ada would rather not. How many are left?",
            subtool="remove_from_segment",
            arguments='{"segment_id": "$segment", "customer_ids": ["u1"], "id_type": null}',
            check=checks.only_mara_is_in,
            proof="only mara is left",
        ),
        Step(
            subtool="get_segment",
            arguments='{"segment_id": "$segment", "include_count": "true"}',
            check=checks.segment_agrees,
            proof="same segment, same count",
        ),
        Step(
            asked="Send them the product news of May.",
            subtool="trigger_broadcast",
            arguments='{"broadcast_id": "30", "data": {"month": "May"}}',
            repair=repairs.give(audience="filter", filter='{"segment": {"id": $segment}}'),
            check=checks.news_went_to_mara,
            proof="next trigger mailed only mara",
        ),
    ),
)

REPORT = Act(
    "How are we doing?",
    (
        Step(
            asked="Which campaigns run, and how did Welcome do these three months?",
            subtool="list_campaigns",
            arguments='{"state": "on air", "name_contains": null}',
            repair=repairs.choose("running"),
            check=checks.campaigns_agree,
            proof="same running campaigns",
        ),
        Step(
            subtool="get_campaign",
            arguments='{"campaign_id": "12"}',
            check=checks.campaign_agrees,
            proof="same campaign, member by member",
        ),
        Step(
            subtool="get_campaign_metrics",
            arguments='{"campaign_id": "12", "period": "days", "steps": "90", "type": null}',
            repair=repairs.lower,
            check=checks.metrics_agree,
            proof="totals are the sums of its days",
        ),
    ),
)

TIDYING = Act(
    "Tidying up",
    (
        Step(
            asked="Ivy (ivy@example.com) is Mara's old profile. Make them one.",
            subtool="merge_customers",
            arguments='{"primary_id": "mara", "secondary_id": "ivy@example.com"}',
            check=checks.ivy_is_folded_in,
            proof="Ivy is gone; Mara has her plan",
        ),
        Step(
            asked="Linus (u5) wants no mail from us, ever. No, wait: he changed his mind.",
            subtool="suppress_customer",
            arguments='{"customer_id": "u5"}',
            check=checks.linus_is_silenced,
            proof="gone; a new identify is ignored",
        ),
        Step(
            subtool="unsuppress_customer",
            arguments='{"customer_id": "u5"}',
            check=checks.linus_is_heard,
            proof="a new identify is heard",
        ),
        Step(
            asked="Margaret (u6) asked to be forgotten.",
            subtool="delete_customer",
            arguments='{"customer_id": "u6", "force": true}',
            repair=repairs.leave_out,
            check=checks.margaret_is_gone,
            proof="she alone is gone",
        ),
        Step(
            asked="And the mug group was a passing fancy.",
            subtool="delete_segment",
            arguments='{"segment_id": "$segment"}',
            check=checks.segment_is_gone,
            proof="the group is gone; its people stay",
        ),
    ),
)

STORY = (VISITOR, SHIPPING, NEWS, REPORT, TIDYING)
