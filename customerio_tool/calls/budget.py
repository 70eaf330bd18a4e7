"""Counts the sends of each run, among all workers that share the ledger."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from customerio_tool.backends import Backends
from customerio_tool.backends.ledger.entry import Unit
from customerio_tool.calls.call import Call
from customerio_tool.calls.message_keys import RUN_SECONDS, budget_key
from customerio_tool.calls.spared import SparedLedger
from customerio_tool.calls.standby import Standby
from customerio_tool.errors import CustomerIoError, PolicyRefused
from customerio_tool.subtools.declare import Effect
from customerio_tool.subtools.declare.vendor_json import Item


class SendBudget:
    """Counts the sends of each run in the ledger, and refuses a send beyond the run's budget.

    A send counts before it goes, so that one of a worker that died counts. One that certainly sent
    nothing does not count. All calls of a workspace without a run count together. The count of a
    run is forgotten a day after its last send.

    Args:
        backends: The ledger. Under `best_effort`, each process counts for itself while it is lost.
        now: Returns Unix time in seconds.
    """

    def __init__(self, backends: Backends, now: Callable[[], float]) -> None:
        self._ledger = SparedLedger(backends, "the count of sends")
        self._now = now

    def is_spent(self, call: Call[Any], allowed: int | None) -> bool:
        """Whether a call is a send, and its run has none left.

        Raises:
            LedgerUnavailable: The ledger cannot be used, and `best_effort` is false.
        """
        if allowed is None or call.subtool.effect is not Effect.SEND:
            return False
        return self._ledger.taken(_count_of(call), self._now()) >= allowed

    def within(
        self,
        call: Call[Any],
        allowed: int | None,
        send: Callable[[], Item],
        standby: Standby | None = None,
    ) -> Callable[[], Item]:
        """Return a send that goes only if the run has one left.

        It raises `PolicyRefused` if the budget is spent, `LedgerUnavailable` if the ledger cannot
        be used, and what `send` raises.

        Args:
            call: The call; if it `is_spent`, it is refused.
            allowed: The most sends of the run; None sets no limit.
            send: Sends, and returns the result envelope.
            standby: Tells of waits between attempts, during which the send does not count.
        """
        if allowed is None:
            return send
        return lambda: self._counted(call, allowed, send, standby or Standby())

    def _counted(
        self, call: Call[Any], allowed: int, send: Callable[[], Item], standby: Standby
    ) -> Item:
        unit = Unit(_count_of(call), secrets.token_hex(16), self._now() + RUN_SECONDS)

        def take() -> None:
            if call.is_spent or not self._ledger.take(unit, allowed, self._now()):
                raise _refusal(call, allowed)

        take()
        standby.tell(lambda: self._ledger.give_back(unit), take)
        try:
            return send()
        except CustomerIoError as error:
            if error.took_effect == "no":
                self._ledger.give_back(unit)
            raise


def _count_of(call: Call[Any]) -> str:
    return budget_key(call.at.workspace, call.context.run_id)


def _refusal(call: Call[Any], allowed: int) -> PolicyRefused:
    sends = "1 send" if allowed == 1 else f"{allowed:,} sends"
    if call.context.run_id:
        these = "the calls of this run, which have one `run_id`,"
        fix = "Tell the user; the operator of this agent sets that number, `send_budget`."
    else:
        these = "the calls of this workspace whose run the host did not name"
        fix = (
            "Tell the user; the application that runs this agent can give each run a count of its "
            "own, by `run_id` in CallContext."
        )
    return PolicyRefused(
        f"Nothing was sent now: {these} may have {sends} in all, and no more is left. {fix}"
    )
