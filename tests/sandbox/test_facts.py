"""The sandbox against the recorded facts: routes, answers and limits are those of facts.yaml."""

from __future__ import annotations

from typing import Any

import pytest

from customerio_tool.sandbox import Options, limits
from customerio_tool.sandbox.rules import events, merge, metrics, timeline
from customerio_tool.sandbox.rules.deliveries import WINDOW_MONTHS
from customerio_tool.sandbox.serving.application import TABLES
from customerio_tool.sandbox.serving.http import Request
from customerio_tool.sandbox.serving.routes import Router
from tests.support.facts import Facts, load
from tests.support.sandbox_api import Api

LIMITS = {
    "person_id_bytes": limits.PERSON_ID,
    "attribute_name_bytes": limits.ATTRIBUTE_NAME,
    "attribute_value_bytes": limits.ATTRIBUTE_VALUE,
    "attribute_count": limits.ATTRIBUTES,
    "event_name_bytes": limits.EVENT_NAME,
    "event_data_bytes": limits.EVENT_DATA,
    "segment_ids": limits.SEGMENT_IDS,
    "entity_bytes": limits.V2_ITEM,
    "batch_bytes": limits.V2_BATCH,
    "event_trigger_age": events.TRIGGER_WINDOW,
    "anonymous_event_age": events.ANONYMOUS_KEPT,
    "anonymous_join_window": events.JOIN_AFTER_IDENTIFY,
    "merged_event_age": merge.EVENTS_TAKEN,
    "send_payload_bytes": limits.TRANSACTIONAL_PAYLOAD,
    "send_body_bytes": limits.SEND_BODY,
    "attachment_bytes": limits.ATTACHMENTS,
    "recipients": limits.RECIPIENTS,
    "send_ahead": limits.SEND_AHEAD,
    "broadcast_payload_bytes": limits.BROADCAST_PAYLOAD,
    "broadcast_data_bytes": limits.BROADCAST_DATA,
    "broadcast_audience": limits.BROADCAST_PEOPLE,
    "broadcast_file_line_bytes": limits.AUDIENCE_LINE,
    "broadcast_queue": Options().trigger_queue,
    "messages_page": limits.MESSAGES_PAGE,
    "messages_window": WINDOW_MONTHS,
    "membership_page": limits.MEMBERS_PAGE,
    "people_page": limits.PEOPLE_PAGE,
    "activities_page": limits.ACTIVITIES_PAGE,
    "archived_messages": limits.ARCHIVED_A_DAY,
    "activities_kept": timeline.KEPT,
    "metrics_hours": metrics.MAX_STEPS["hours"],
    "metrics_days": metrics.MAX_STEPS["days"],
    "metrics_weeks": metrics.MAX_STEPS["weeks"],
    "metrics_months": metrics.MAX_STEPS["months"],
    "metrics_years": metrics.MAX_YEARS,
}
# A file for a rehearsal is read into memory, and a merge moves all 30 days at once.
NOT_KEPT = {"broadcast_file_bytes", "merged_event_age_at_once"}


@pytest.mark.parametrize("name", sorted(load().served()))
def test_every_recorded_operation_is_served_where_the_facts_say(name: str, facts: Facts) -> None:
    """facts.yaml: api, method, path."""
    wanted = facts.served()[name]
    path = "/".join("1" if part.startswith("{") else part for part in wanted.path.split("/"))
    route, _ = Router(TABLES).find(Request(wanted.method, path))
    assert route.api == wanted.api


def test_every_recorded_limit_is_kept(facts: Facts) -> None:
    """facts.yaml: limits."""
    assert {
        name: limit.max for name, limit in facts.limits.items() if name not in NOT_KEPT
    } == LIMITS


READS: dict[str, str] = {
    "get_campaign": "/v1/campaigns/12",
    "list_campaigns": "/v1/campaigns",
    "get_campaign_metrics": "/v1/campaigns/12/metrics",
    "list_segments": "/v1/segments",
    "get_segment": "/v1/segments/1",
    "get_customer_attributes": "/v1/customers/u1/attributes",
    "list_messages": "/v1/messages",
}


@pytest.mark.parametrize("name", sorted(READS))
def test_a_read_answers_the_recorded_fields(name: str, api: Api, facts: Facts) -> None:
    """facts.yaml: the required fields of a 200 answer are there."""
    answer: Any = api.get(READS[name])
    [reply] = facts.operations[name].reply.values()
    missing = {field for field, fact in reply.fields.items() if fact.required} - answer.keys()
    assert not missing
    assert answer.keys() <= reply.fields.keys()
