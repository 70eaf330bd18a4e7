"""Makes the calls of a job, and tells what became of their rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from customerio_tool.backends.ledger.memory import MemoryLedger
from customerio_tool.calls.call import CallContext
from customerio_tool.calls.recovery import CALL_SECONDS, SEND_SECONDS
from customerio_tool.calls.retry import slot_seconds
from customerio_tool.doors.bulk.grouping import Unit, halves
from customerio_tool.doors.bulk.job import Job, JournalLost
from customerio_tool.doors.bulk.rows import Outcome, state_of
from customerio_tool.errors import ConfirmationRequired, NotFound, OutcomeUnknown, PolicyRefused
from customerio_tool.subtools.declare import Effect
from customerio_tool.tool import CustomerIoTool

DOOR = "bulk"


@dataclass(frozen=True)
class Caller:
    """Makes the calls of one job.

    Args:
        tool: The tool; see `tool_for`.
        job: The job.
        cancelled: Whether to give up the calls in flight.
        on_wait: Called with why a call waits, in one sentence.
    """

    tool: CustomerIoTool
    job: Job
    cancelled: Callable[[], bool] | None = None
    on_wait: Callable[[str], None] | None = None

    def outcomes(self, unit: Unit) -> list[Outcome]:
        """Make the call of a unit, and return what became of each row.

        Of rows that are refused together, each is tried in smaller and smaller calls.
        """
        if self._may_exist(unit):
            return [Outcome(unit.rows[0], "unknown", _may_exist_twice(self.job))]
        result = self._result(unit)
        state = state_of(result)
        if state == "rejected" and len(unit.rows) > 1:
            return [each for half in halves(unit) for each in self.outcomes(half)]
        if state == "rejected" and self._is_gone(unit, result):
            state = "done"
        return [Outcome(row, state, result) for row in unit.rows]

    def _result(self, unit: Unit) -> dict[str, Any]:
        result = self.tool.call(self.job.subtool, unit.arguments, context=self._context())
        waits = result.get("confirmation_id")
        if waits is None or not unit.rows[0].again:
            return result
        return self.tool.approve(waits, context=self._context())  # a person let it go again

    def _context(self) -> CallContext:
        return CallContext(
            run_id=self.job.run_id,
            deadline_seconds=_seconds(self.job),
            on_progress=self.on_wait,
            cancelled=self.cancelled,
            door=DOOR,
        )

    def _may_exist(self, unit: Unit) -> bool:
        """Whether a row creates what an earlier attempt of it may have created."""
        row = unit.rows[0]
        return self.job.declared.effect is Effect.CREATE and row.is_repeat and not row.again

    def _is_gone(self, unit: Unit, result: Mapping[str, Any]) -> bool:
        """Whether what a row removes is not there because an earlier attempt removed it."""
        removes = self.job.declared.effect in (Effect.ERASE, Effect.REMOVE)
        return removes and unit.rows[0].is_repeat and result["error"]["code"] == NotFound.code


def _may_exist_twice(job: Job) -> dict[str, Any]:
    summary = (
        "Nothing was sent now: an earlier attempt of this row was cut off, and "
        f"{job.subtool} again could create a second one. Look whether it is there."
    )
    error = {"code": OutcomeUnknown.code, "next_step": "look_first", "took_effect": "unknown"}
    return {"ok": False, "summary": summary, "error": error}


def _seconds(job: Job) -> float:
    """Return the deadline of a call: where slots are rare, it may wait for one."""
    whole = SEND_SECONDS if job.declared.effect is Effect.SEND else CALL_SECONDS
    return whole + slot_seconds(job.declared.pace)


def tool_for(tool: CustomerIoTool, job: Job) -> CustomerIoTool:
    """Return a tool for the calls of a job; close it at the end.

    Its policy is that of the given tool. What that confirms was confirmed for the whole job.

    Raises:
        CustomerIoError: The policy does not allow the subtool.
        ConfirmationRequired: The policy confirms such calls, and nobody agreed to the job.
        JournalLost: The job sends, and the ledger would not outlive this process.
    """
    policy, subtool = tool.policy, job.declared
    policy.admit(subtool)
    if policy.may_require_confirmation(subtool) and not job.has_agreed:
        raise ConfirmationRequired(
            f"Nothing was sent: this policy confirms each call of {subtool.name}. A person agrees "
            "to the whole job: at the terminal, with --yes, or by Job(has_agreed=True)."
        )
    if subtool.effect is Effect.SEND and isinstance(tool.backends.ledger, MemoryLedger):
        raise JournalLost(
            f"Nothing was sent: {subtool.name} needs a ledger that outlives this process, else a "
            "repeated row could be sent twice. Set CUSTOMERIO_LEDGER_FILE or CUSTOMERIO_REDIS_URL, "
            "or give the tool Backends with a SqliteLedger or RedisLedger."
        )
    if policy.dry_run:
        raise PolicyRefused(
            "Nothing was sent: this policy makes dry runs, which no job can keep as done. Use "
            "--dry-run to see the first requests."
        )
    return tool.under(policy.model_copy(update={"confirm": "never"}))
