"""Campaigns: read one, list all, and read the metrics of their messages."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, model_validator

from customerio_tool.subtools.declare import (
    MAX_PAYLOAD_CHARS,
    NO_PEOPLE,
    OMITTED,
    TRUNCATED,
    AlsoCalled,
    Answer,
    Api,
    Args,
    Effect,
    Endpoint,
    Example,
    FieldProblem,
    FoundBy,
    Invocation,
    Item,
    Line,
    ObjectId,
    Pace,
    Problem,
    ReplyUnreadable,
    Sends,
    Shape,
    Subtool,
    Time,
    Words,
    chars_of,
    contains,
    fitted,
    listing,
    named,
    one,
    refuse,
    whole_in,
    whole_number,
)
from customerio_tool.subtools.parts.pages import Full, Limit, NamePart, Offset
from customerio_tool.subtools.parts.references import APP_PAGES
from customerio_tool.subtools.parts.spans import (
    DEFAULT_PERIOD,
    DEFAULT_STEPS,
    MAX_STEPS,
    Period,
    start_of_last,
    zone_of,
)
from customerio_tool.subtools.parts.vocabulary import (
    CHANNEL_NAMES,
    CHANNEL_WORDS,
    END_NAMES,
    PERIOD_WORDS,
    START_NAMES,
    Channel,
)

if TYPE_CHECKING:
    from typing_extensions import Self

NOT_FOUND_HINT = (
    "list_campaigns shows the ids of all campaigns (automations); broadcasts and newsletters "
    "(one-time sends) are not campaigns."
)

CampaignId: TypeAlias = Annotated[
    ObjectId,
    Field(description="Number of the campaign; see list_campaigns."),
    AlsoCalled("id", "campaign", "campaign_number"),
    FoundBy("list_campaigns", ("campaign_name", "campaign", "name")),
]


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
        "Retrieves a single campaign by ID. Customer.io also calls it an automation. Shows its "
        "trigger, state and actions; for how its messages did, use get_campaign_metrics."
    ),
    args=GetCampaignArgs,
    endpoint=Endpoint(Api.APP, "GET", "/v1/campaigns/{campaign_id}"),
    effect=Effect.READ,
    pace=Pace.APP,
    shape=one("campaign", _campaign_sentence),
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
        Field(description="Only campaigns in this state."),
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
        "Lists all campaigns in the workspace. Customer.io also calls them automations. Filter by "
        "state or name to find a campaign's id. Broadcasts and transactional messages are not "
        "among them."
    ),
    args=ListCampaignsArgs,
    endpoint=Endpoint(Api.APP, "GET", "/v1/campaigns"),
    effect=Effect.READ,
    pace=Pace.APP,
    shape=listing(
        "campaigns", brief=("id", "name", "type", "state", "updated"), keep=_passes_filters
    ),
    person_argument=None,
    people=NO_PEOPLE,
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

MAX_SPAN_SECONDS = 3652 * 86_400
"""The longest span from start to end: ten years."""

_REGION_AND_CITY = re.compile(r"UTC|[A-Z][A-Za-z_]+(/[A-Z][A-Za-z0-9_+-]+){1,2}")

_installed_timezones = cache(available_timezones)


def _timezone(name: str) -> str:
    """Refuse a text that is not an IANA time zone.

    A system without a time zone database cannot list the names; there, only the form is checked.
    """
    known = _installed_timezones()
    if not (name in known if known else _REGION_AND_CITY.fullmatch(name)):
        raise Problem("is not an IANA time zone", "send a name such as Europe/Berlin or UTC")
    return name


class GetCampaignMetricsArgs(Args):
    """Arguments of get_campaign_metrics.

    Customer.io has two versions of this endpoint. A call uses version 2, which returns the periods
    from a start to an end in a time zone and tells people's opens and clicks from those of
    machines. Version 1 is deprecated; its last `steps` periods are a computed span here.
    """

    campaign_id: CampaignId
    period: Annotated[
        Period | None,
        Field(description=f"Length of each step; default {DEFAULT_PERIOD}."),
        PERIOD_WORDS,
        AlsoCalled("interval", "granularity", "resolution", "res", "unit", "group_by"),
    ] = None
    steps: Annotated[
        Annotated[int, Field(strict=True, ge=1, le=max(MAX_STEPS.values())), whole_number] | None,
        Field(description="Last n periods: 24 hours, 45 days, 12 weeks, 120 months at most."),
        AlsoCalled("periods", "last", "count", "limit"),
    ] = None
    start_time: Annotated[
        Time | None, Field(description="From: ISO 8601 or Unix time; not with steps."), START_NAMES
    ] = None
    end_time: Annotated[
        Time | None, Field(description="Until; default now. Needs start_time."), END_NAMES
    ] = None
    timezone: Annotated[
        Annotated[Line, AfterValidator(_timezone)] | None,
        Field(description="IANA name, such as Europe/Berlin; default US Eastern."),
        AlsoCalled("tz", "time_zone"),
    ] = None
    type: Annotated[
        Channel | None,
        Field(description="Only this kind of message; twilio is SMS."),
        CHANNEL_WORDS,
        CHANNEL_NAMES,
    ] = None

    @property
    def step(self) -> Period:
        """The length of each step."""
        return self.period or DEFAULT_PERIOD

    @property
    def last_steps(self) -> int:
        """The number of the last steps to show, if the call gives no start."""
        return self.steps or DEFAULT_STEPS[self.step]

    @model_validator(mode="after")
    def _one_span(self) -> Self:
        given = [n for n in ("start_time", "end_time") if getattr(self, n) is not None]
        if self.steps is not None and given:
            raise Problem(f"does not go with {given[0]}", "give the one or the other", "steps")
        if given and self.start_time is None:
            raise Problem("is missing", f"{given[0]} needs it", "start_time")
        if self.steps is not None and self.steps > MAX_STEPS[self.step]:
            limit = f"at most {MAX_STEPS[self.step]} {self.step}, or give start_time"
            raise Problem("is out of bounds", limit, "steps")
        return self


def _metrics_query(args: GetCampaignMetricsArgs, invocation: Invocation) -> dict[str, Any]:
    if args.start_time is None:
        end, (tz, zone) = invocation.now_seconds, zone_of(args.timezone)
        start = start_of_last(args.last_steps, args.step, end, zone)
        span = {"start": start, "end": max(end, start + 1), "tz": tz}
    else:
        start, end = _span(args.start_time, args.end_time, invocation)
        span = {"start": start, "end": end, "tz": args.timezone}
    return {"version": 2, "res": args.step, **span, "type": args.type}


def _span(start: int, given_end: int | None, invocation: Invocation) -> tuple[int, int]:
    """Return the start and the end of the span; the default end is the time of the call."""
    end = invocation.now_seconds if given_end is None else given_end
    if end <= start:
        wrong = "start_time" if given_end is None else "end_time"
        fix = "give a time in the past" if given_end is None else "give a time after start_time"
        refuse([FieldProblem(wrong, "leaves no time between start and end", fix)])
    if end - start > MAX_SPAN_SECONDS:
        refuse([FieldProblem("start_time", "lies too far back", "span at most ten years")])
    return start, end


def _metrics_to_result(answer: Answer[GetCampaignMetricsArgs]) -> dict[str, Any]:
    args = answer.args
    series = _series(answer.payload["metric"], args.last_steps if args.start_time is None else None)
    steps = max(map(len, series.values()), default=0)
    nonzero = {name: numbers for name, numbers in series.items() if any(numbers)}
    totals = {name: sum(numbers) for name, numbers in nonzero.items()}
    result: dict[str, Any] = {
        "summary": _metrics_sentence(answer.args, steps),
        "period": answer.args.step,
        "steps": steps,
        **fitted("totals", totals),
    }
    if chars_of({**totals, "series": nonzero}) <= MAX_PAYLOAD_CHARS:
        return {**result, "series": nonzero}
    too_long = "The series are too long to show: ask for longer periods or a shorter span."
    return {**result, "summary": f"{result['summary']} {too_long}", "truncated": True}


def _series(metric: Any, steps: int | None) -> dict[str, list[int]]:
    """Return the last `steps` numbers of each series: Customer.io may begin a step earlier.

    Raises:
        ReplyUnreadable: The reply holds no series of numbers.
    """
    series = (metric.get("series") or {}) if isinstance(metric, dict) else None
    if not isinstance(series, dict) or not all(map(_is_list_of_integers, series.values())):
        raise ReplyUnreadable("Customer.io answered with something other than series of numbers.")
    return {name: numbers[-(steps or 0) :] for name, numbers in series.items()}


def _is_list_of_integers(value: Any) -> bool:
    return isinstance(value, list) and all(whole_in(number) is not None for number in value)


def _metrics_sentence(args: GetCampaignMetricsArgs, steps: int) -> str:
    type_only = f" ({args.type} only)" if args.type else ""
    unit = args.step.removesuffix("s") if steps == 1 else args.step
    is_utc = args.start_time is None and args.timezone is None and zone_of(None)[0] == "UTC"
    return (
        f"Campaign {args.campaign_id}{type_only}: {steps} {unit}, oldest first. "
        f"Metrics that are not listed are 0.{' Steps begin at midnight UTC.' if is_utc else ''}"
    )


_COUNTS = {"type": "object", "additionalProperties": {"type": "integer"}}
_COUNT_SERIES = {"type": "array", "items": {"type": "integer"}}

get_campaign_metrics = Subtool(
    name="get_campaign_metrics",
    description=(
        "Retrieves delivery metrics for a campaign over a period. Give steps for the last n "
        "periods, or start_time for a span; with neither, the last 45 days. Steps begin at "
        "midnight US Eastern unless timezone says otherwise. For single messages use list_messages."
    ),
    args=GetCampaignMetricsArgs,
    endpoint=Endpoint(Api.APP, "GET", "/v1/campaigns/{campaign_id}/metrics"),
    effect=Effect.READ,
    pace=Pace.APP,
    query=_metrics_query,
    shape=Shape(
        outcome="done",
        to_result=_metrics_to_result,
        returns={
            "period": {"type": "string", "description": "Length of each step."},
            "steps": {"type": "integer", "description": "Numbers in each series."},
            "totals": {**_COUNTS, "description": "Sum of each metric; one not listed is 0."},
            "series": {
                "type": "object",
                "additionalProperties": _COUNT_SERIES,
                "description": "Each metric step by step, oldest first; one not listed is all 0.",
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
