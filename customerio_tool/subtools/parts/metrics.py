"""The arguments of get_campaign_metrics, and the span of time that they ask for."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, model_validator

from customerio_tool.subtools.declare import (
    AlsoCalled,
    Args,
    FieldProblem,
    Flag,
    FoundBy,
    Invocation,
    Line,
    ObjectId,
    Problem,
    Short,
    Time,
    iso_time,
    refuse,
    whole_number,
)
from customerio_tool.subtools.parts.spans import (
    DEFAULT_PERIOD,
    DEFAULT_STEPS,
    LONGEST_STEP,
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

CampaignId: TypeAlias = Annotated[
    ObjectId,
    Field(description="See list_campaigns."),
    AlsoCalled("id", "campaign", "campaign_number"),
    FoundBy("list_campaigns", ("campaign_name", "campaign", "name")),
]

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
        Short("Last n, not with start_time"),
        AlsoCalled("periods", "last", "count", "limit"),
    ] = None
    start_time: Annotated[
        Time | None,
        Field(
            description="From: ISO 8601 or Unix time; not with steps; neither: the last 45 days."
        ),
        START_NAMES,
    ] = None
    end_time: Annotated[
        Time | None, Field(description="Until; default now. Needs start_time."), END_NAMES
    ] = None
    timezone: Annotated[
        Annotated[Line, AfterValidator(_timezone)] | None,
        Field(description="IANA name; default US Eastern."),
        Short("IANA"),
        AlsoCalled("tz", "time_zone"),
    ] = None
    type: Annotated[
        Channel | None,
        Field(description="Only this kind of message; twilio is SMS."),
        CHANNEL_WORDS,
        CHANNEL_NAMES,
    ] = None
    full: Annotated[Flag | None, Field(description="True adds the numbers of each step.")] = None

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
            raise Problem("is missing", f"give it, as {given[0]} needs it", "start_time")
        if self.steps is not None and self.steps > MAX_STEPS[self.step]:
            limit = f"send at most {MAX_STEPS[self.step]} with {self.step}, or give start_time"
            raise Problem("is out of bounds", limit, "steps")
        return self


def metrics_query(args: GetCampaignMetricsArgs, invocation: Invocation) -> dict[str, Any]:
    """Return the query: always that of version 2.

    Raises:
        ArgumentsInvalid: The span is empty, or longer than ten years.
    """
    start, end = span_of(args, invocation)
    tz = zone_of(args.timezone)[0] if args.start_time is None else args.timezone
    span = {"start": start, "end": end, "tz": tz}
    return {"version": 2, "res": args.step, **span, "type": args.type}


def span_of(args: GetCampaignMetricsArgs, invocation: Invocation) -> tuple[int, int]:
    """Return the start and the end of the span, in Unix seconds."""
    if args.start_time is not None:
        return _span_given(args, args.start_time, invocation.now_seconds)
    zone = zone_of(args.timezone)[1]
    start = start_of_last(args.last_steps, args.step, invocation.now_seconds, zone)
    return start, max(invocation.now_seconds, start + 1)


def _span_given(args: GetCampaignMetricsArgs, start: int, now: int) -> tuple[int, int]:
    """Return a start and its end; the default end is now.

    Raises:
        ArgumentsInvalid: The span is empty, or longer than ten years.
    """
    end = now if args.end_time is None else args.end_time
    empty = "leaves no time between start and end"
    if args.end_time is None and now <= start:
        refuse([FieldProblem("start_time", empty, "give a time in the past")])
    if end < start:
        swapped = {"start_time": iso_time(end), "end_time": iso_time(start)}
        refuse([FieldProblem("end_time", empty, "give a time after start_time")], swapped)
    if end == start:
        whole = {"end_time": iso_time(start + LONGEST_STEP[args.step])}
        refuse([FieldProblem("end_time", empty, "give the end of the last step")], whole)
    if end - start > MAX_SPAN_SECONDS:
        shorter = {"start_time": iso_time(end - MAX_SPAN_SECONDS + 86_400)}  # now goes on
        problem = FieldProblem("start_time", "lies too far back", "span at most ten years")
        refuse([problem], shorter)
    return start, end


def mend_metrics(values: dict[str, Any]) -> dict[str, Any]:
    """Return refused arguments as a read that shows what was asked for.

    More steps than one call may name are as many as it may. A start shows all that steps from it
    would, so these are left out. A time zone may be named by its city.
    """
    mended = dict(values)
    steps, period = mended.get("steps"), mended.get("period") or DEFAULT_PERIOD
    most = next((limit for name, limit in MAX_STEPS.items() if name == period), None)
    if mended.get("start_time") is not None:
        mended.pop("steps", None)
    elif type(steps) is int and most and steps > most:
        mended["steps"] = most
    if isinstance(name := mended.get("timezone"), str):
        mended["timezone"] = _zone_meant(name) or name
    return mended


def _zone_meant(text: str) -> str | None:
    """Return the one time zone with a name or a city, in any case and with spaces, or None."""
    plain = "_".join(text.split()).casefold()
    named = {name: name.casefold() for name in _installed_timezones()}
    whole = [name for name, folded in named.items() if folded == plain]
    cities = [
        name
        for name, folded in named.items()
        if folded.rpartition("/")[2] == plain and not folded.startswith("etc/")  # of turned signs
    ]
    found = whole or cities
    return found[0] if len(found) == 1 else None
