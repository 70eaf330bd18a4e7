"""Campaigns: read one, list all, and read the metrics of their messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from customerio_tool.subtools.declare import (
    NO_PEOPLE,
    OMITTED,
    TRUNCATED,
    AlsoCalled,
    Api,
    Args,
    Effect,
    Endpoint,
    Example,
    Item,
    Pace,
    Sends,
    Shape,
    Subtool,
    Words,
    contains,
    listing,
    named,
    one,
)
from customerio_tool.subtools.parts.metrics import (
    CampaignId,
    GetCampaignMetricsArgs,
    mend_metrics,
    metrics_query,
)
from customerio_tool.subtools.parts.metrics_result import metrics_to_result
from customerio_tool.subtools.parts.pages import Full, Limit, NamePart, Offset
from customerio_tool.subtools.parts.references import APP_PAGES

if TYPE_CHECKING:
    pass

NOT_FOUND_HINT = (
    "list_campaigns shows the ids of all campaigns (automations); broadcasts and newsletters "
    "(one-time sends) are not campaigns."
)

_TIMES = ("created", "updated", "first_started")


class GetCampaignArgs(Args):
    """Arguments of get_campaign."""

    campaign_id: CampaignId


def _campaign_sentence(args: GetCampaignArgs, campaign: Item) -> str:
    state = campaign.get("state")
    is_known = f" is {state}" if state in ("running", "draft", "stopped") else ""
    return f"Campaign {args.campaign_id}{is_known}: `campaign` has its name, trigger and actions."


get_campaign = Subtool(
    name="get_campaign",
    description=(
        "Retrieves a single campaign by ID. Use to see how one campaign is set up: trigger, state, "
        "actions. Its results: get_campaign_metrics."
    ),
    args=GetCampaignArgs,
    endpoint=Endpoint(Api.APP, "GET", "/v1/campaigns/{campaign_id}"),
    effect=Effect.READ,
    pace=Pace.APP,
    shape=one("campaign", _campaign_sentence, times=_TIMES),
    not_found_hint=lambda _: NOT_FOUND_HINT,
    person_argument=None,
    people=NO_PEOPLE,
    about=named("campaign.id", argument="campaign_id"),
    reference=APP_PAGES,  # its own page is not known
    examples=[
        Example({"campaign_id": 12}, Sends("GET", "/v1/campaigns/12")),
        Example(
            {"campaign_id": 14},
            Sends("GET", "/v1/campaigns/14"),
            title="A campaign that a date starts",
        ),
    ],
)


class ListCampaignsArgs(Args):
    """Arguments of list_campaigns."""

    state: Annotated[
        Literal["running", "draft", "stopped"] | None,
        Field(description="Only in this state."),
        Words({"active": "running", "live": "running", "started": "running", "drafts": "draft"}),
        AlsoCalled("status"),
    ] = None
    name_contains: NamePart = None
    limit: Limit = None
    offset: Offset = None
    full: Full = None


def _passes_filters(args: ListCampaignsArgs, campaign: Item) -> bool:
    in_state = args.state is None or campaign.get("state") == args.state
    return in_state and contains(args.name_contains, campaign.get("name"))


list_campaigns = Subtool(
    name="list_campaigns",
    description=(
        "Lists all campaigns in the workspace. Use to see which campaigns (automations) exist, run "
        "or are drafts, and to find a number by name. Broadcasts and transactional messages are "
        "not among them."
    ),
    args=ListCampaignsArgs,
    endpoint=Endpoint(Api.APP, "GET", "/v1/campaigns"),
    effect=Effect.READ,
    pace=Pace.APP,
    shape=listing(
        "campaigns",
        brief=("id", "name", "type", "state", "updated"),
        keep=_passes_filters,
        times=_TIMES,
    ),
    person_argument=None,
    people=NO_PEOPLE,
    basic=("state", "name_contains", "limit", "offset"),
    reference=APP_PAGES + "tag/automations/listcampaigns/",
    examples=[
        Example({}, Sends("GET", "/v1/campaigns")),
        Example(
            {"state": "running", "name_contains": "WELCOME", "limit": 5, "offset": 0, "full": True},
            Sends("GET", "/v1/campaigns"),
            title="Filters and pages are ours: the vendor returns the whole list",
        ),
    ],
)


_COUNTS = {"type": "object", "additionalProperties": {"type": "integer"}}
_COUNT_SERIES = {"type": "array", "items": {"type": "integer"}}

get_campaign_metrics = Subtool(
    name="get_campaign_metrics",
    description=(
        "Retrieves delivery metrics for a campaign over a period. Use for results: how many were "
        "sent, opened, clicked, bounced, converted, by day, week or month. Single messages: "
        "list_messages."
    ),
    args=GetCampaignMetricsArgs,
    endpoint=Endpoint(Api.APP, "GET", "/v1/campaigns/{campaign_id}/metrics"),
    effect=Effect.READ,
    pace=Pace.APP,
    query=metrics_query,
    mend=mend_metrics,
    shape=Shape(
        outcome="done",
        to_result=metrics_to_result,
        returns={
            "period": {"type": "string", "description": "Length of each step."},
            "steps": {"type": "integer", "description": "How many steps were counted."},
            "totals": {**_COUNTS, "description": "Sum of each metric; one not listed is 0."},
            "starts": {
                "type": "array",
                "items": {"type": "string"},
                "description": "With full: when each step begins, as local date or hour.",
            },
            "series": {
                "type": "object",
                "additionalProperties": _COUNT_SERIES,
                "description": "With full: each metric by step, oldest first; one not listed is 0.",
            },
            "truncated": TRUNCATED,
            "omitted": OMITTED,
        },
        expects="metric",
        untrusted=True,
    ),
    not_found_hint=lambda _: NOT_FOUND_HINT,
    person_argument=None,
    people=NO_PEOPLE,
    # The reply documents no id, but a proxy's or a later version's may have one.
    about=named("campaign_id", "metric.campaign_id", argument="campaign_id"),
    reference=APP_PAGES + "tag/automations/campaignMetrics/",
    examples=[
        Example(
            {"campaign_id": 12, "start_time": "2025-11-22", "end_time": "2025-11-29"},
            Sends(
                "GET",
                "/v1/campaigns/12/metrics",
                query="version=2&res=days&start=1763769600&end=1764374400",
            ),
        ),
        Example(
            {
                "campaign_id": 12,
                "period": "hours",
                "start_time": "2025-11-22T08:26:40Z",
                "end_time": "1763890000000",
                "timezone": "Europe/Berlin",
                "type": "email",
            },
            Sends(
                "GET",
                "/v1/campaigns/12/metrics",
                query=(
                    "version=2&res=hours&start=1763800000&end=1763890000&tz=Europe%2FBerlin"
                    "&type=email"
                ),
            ),
            title="A span of time in a time zone",
        ),
    ],
)
