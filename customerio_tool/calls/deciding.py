"""What a tool offers to a person who decides about the calls that wait."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from customerio_tool.calls import hints

if TYPE_CHECKING:
    from customerio_tool.calls.runner import Runner


class Deciding(ABC):
    """The decisions about the calls that wait in one workspace."""

    @property
    @abstractmethod
    def policy(self) -> hints.Policy:
        """The policy in force."""

    @abstractmethod
    def _open_runner(self) -> Runner:
        """Return what runs the calls; raise `ToolClosed` if the tool was closed."""

    @property
    def shares_approvals(self) -> bool:
        """Whether other processes can decide about the calls that wait: not if they are in memory.

        Raises:
            ToolClosed: The tool was closed.
        """
        return self._open_runner().shares_approvals

    def approve(
        self, confirmation_id: str, *, context: hints.CallContext | None = None
    ) -> dict[str, Any]:
        """Run the call that waits under a confirmation id, with its original arguments.

        Only the host may call this, after a person agreed; it must not be a tool of the model. A
        call waits for 10 minutes in `Backends.approvals`. Any tool on the same workspace that
        shares these can approve it, once: in memory those of the process, in an SQLite file those
        of the machine, in Redis all. That tool's policy applies to it.

        Args:
            confirmation_id: From the result of the waiting call.
            context: The context of the approval; `run_id` stays that of the waiting call. Its
                `door` stands in the audit trail, with the decision.

        Returns:
            The result envelope of the call, for the model; `confirmation_unknown` if no call
            waits under this id.
        """
        from customerio_tool.calls.call import CallContext
        from customerio_tool.errors import CustomerIoError

        try:
            return self._open_runner().approve(
                confirmation_id, context or CallContext(), self.policy
            )
        except CustomerIoError as error:
            return error.as_result()

    def decline(
        self, confirmation_id: str, *, context: hints.CallContext | None = None
    ) -> dict[str, Any]:
        """Drop the call that waits under a confirmation id.

        Args:
            confirmation_id: From the result of the waiting call.
            context: The context of the refusal; its `door` stands in the audit trail.

        Returns:
            The result envelope of the call, for the model: `policy_refused`, or
            `confirmation_unknown` if no call waits under this id.
        """
        from customerio_tool.calls.call import CallContext
        from customerio_tool.errors import CustomerIoError

        try:
            self._open_runner().decline(confirmation_id, context or CallContext())
        except CustomerIoError as error:
            return error.as_result()

    def question(self, confirmation_id: str) -> hints.Question | None:
        """Return what a person decides about a waiting call: its plan and its arguments.

        It is for the person who decides, never for the model.

        Returns:
            The question; None if no call waits under this id.

        Raises:
            LedgerUnavailable: The store of waiting calls cannot be used.
            ToolClosed: The tool was closed.
        """
        return self._open_runner().question(confirmation_id)

    def waiting(self) -> list[hints.Question]:
        """Return what waits for a person in this workspace, the oldest first; see `question`."""
        return self._open_runner().questions()
