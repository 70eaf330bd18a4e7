"""The result of get_campaign_metrics: series of numbers, with the date of each step."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from customerio_tool.subtools.declare import (
    MAX_PAYLOAD_CHARS,
    Answer,
    Invocation,
    ReplyUnreadable,
    chars_of,
    fitted,
    whole_in,
)
from customerio_tool.subtools.parts.metrics import GetCampaignMetricsArgs, span_of
from customerio_tool.subtools.parts.spans import known_zone, local_minute, starts_of, zone_of


def metrics_to_result(answer: Answer[GetCampaignMetricsArgs]) -> dict[str, Any]:
    """Return totals and, if all is asked for, series with the dates of their steps."""
    args = answer.args
    series = _series(answer.payload["metric"], args.last_steps if args.start_time is None else None)
    steps = max(map(len, series.values()), default=0)
    begins = _begins(args, answer.invocation, steps)
    nonzero = {name: numbers for name, numbers in series.items() if any(numbers)}
    totals = {name: sum(numbers) for name, numbers in nonzero.items()}
    result: dict[str, Any] = {
        "summary": _metrics_sentence(answer.args, steps, begins),
        "period": answer.args.step,
        "steps": steps,
        **fitted("totals", totals),
    }
    if not args.full:
        how = f"full=true adds the numbers of each {_unit(args)}." if nonzero else ""
        return {**result, "summary": f"{result['summary']} {how}".rstrip()}
    dates = {"starts": [_date(args, each) for each in begins]} if nonzero and begins else {}
    if chars_of({**totals, **dates, "series": nonzero}) <= MAX_PAYLOAD_CHARS:
        return {**result, **dates, "series": nonzero}
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


def _begins(args: GetCampaignMetricsArgs, invocation: Invocation, steps: int) -> list[datetime]:
    """Return when each step begins; an empty list if that is not known."""
    zone = zone_of(args.timezone)[1] if args.start_time is None else known_zone(args.timezone)
    return starts_of(span_of(args, invocation), steps, args.step, zone) if zone else []


def _date(args: GetCampaignMetricsArgs, start: datetime) -> str:
    """Return how the series name a step: an hour with its offset, a longer one by its date."""
    return local_minute(start) if args.step == "hours" else start.date().isoformat()


def _metrics_sentence(args: GetCampaignMetricsArgs, steps: int, begins: list[datetime]) -> str:
    type_only = f" ({args.type} only)" if args.type else ""
    unit = _unit(args) if steps == 1 else args.step
    campaign = f"Campaign {args.campaign_id}{type_only}: {steps} {unit}"
    order = ", oldest first" if args.full else ""
    if not begins:
        unknown = "Do not date them: Customer.io counted other steps than were asked for."
        return f"{campaign}{order}. {_REST} {unknown if steps else ''}".rstrip()
    first = f"{local_minute(begins[0])} ({begins[0].tzinfo})"
    return f"{campaign} from {first}{order}. {_REST}"


def _unit(args: GetCampaignMetricsArgs) -> str:
    return args.step.removesuffix("s")


_REST = "Metrics that are not listed are 0."
