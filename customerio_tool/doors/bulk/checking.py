"""Checks all rows of an input, and sends nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from customerio_tool.backends import Backends
from customerio_tool.calls.retry import slot_seconds
from customerio_tool.doors.bulk.grouping import Grouping, Unit
from customerio_tool.doors.bulk.job import Job
from customerio_tool.doors.bulk.reading import Input
from customerio_tool.doors.bulk.rows import Outcome, state_of
from customerio_tool.tool import CustomerIoTool

SHOWN = 10
"""How many rejected rows are shown."""


@dataclass(frozen=True)
class Checked:
    """What is known of an input before anything is sent.

    Args:
        rows: The number of its rows.
        rejected: The number of those that would be rejected here.
        calls: The number of calls that the others make.
        seconds: The least time that these take, as their rate limit has it, in seconds.
        rejects: The first rejected rows: see `Outcome.kept`.
    """

    rows: int
    rejected: int
    calls: int
    seconds: float
    rejects: list[dict[str, Any]] = field(repr=False)

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {
            "rows": self.rows,
            "valid": self.rows - self.rejected,
            "rejected": self.rejected,
            "calls": self.calls,
            "least_seconds": round(self.seconds, 1),
            "rejects": self.rejects,
        }


def check(tool: CustomerIoTool, subtool: str, source: Input) -> Checked:
    """Check all rows of an input under the policy of a tool.

    Raises:
        CustomerIoError: The policy does not allow the subtool.
        BulkError: The input cannot be read.
    """
    found = Checked(0, 0, 0, 0.0, [])
    for made, results in _dry(tool, subtool, source):
        refused = [each for each in results if each.state != "done"]
        shown = [each.kept() for each in refused[: SHOWN - len(found.rejects)]]
        found = replace(
            found,
            rows=found.rows + len(results),
            rejected=found.rejected + len(refused),
            calls=found.calls + (made and not refused),
            rejects=[*found.rejects, *shown],
        )
    return replace(found, seconds=found.calls * slot_seconds(Job("any", subtool).declared.pace))


def first_requests(
    tool: CustomerIoTool, subtool: str, source: Input, most: int
) -> list[dict[str, Any]]:
    """Return the dry runs of the first valid rows: each shows the request that would be sent.

    Raises:
        CustomerIoError: The policy does not allow the subtool.
        BulkError: The input cannot be read.
    """
    tried = (outcomes[0] for _, outcomes in _dry(tool, subtool, source))
    return [dict(each.result) for each in islice((e for e in tried if e.state == "done"), most)]


def _dry(tool: CustomerIoTool, subtool: str, source: Input) -> Iterator[tuple[bool, list[Outcome]]]:
    """Yield the outcomes of dry runs: for each call, and for each row that makes none."""
    tool.policy.admit(Job("check", subtool).declared)
    policy = tool.policy.model_copy(update={"dry_run": True})
    job = Job("check", subtool)
    grouping = Grouping(job)
    with tool.under(policy, backends=Backends(telemetry=())) as dry:
        for row in source.rows():
            yield from (_tried(dry, job, each) for each in grouping.units([row]))
        yield from (_tried(dry, job, each) for each in grouping.rest())


def _tried(tool: CustomerIoTool, job: Job, made: Unit | Outcome) -> tuple[bool, list[Outcome]]:
    if isinstance(made, Outcome):
        return False, [made]
    result = tool.call(job.subtool, made.arguments)
    state = state_of(result)
    return True, [
        Outcome(row, "rejected" if state != "done" else state, result) for row in made.rows
    ]
