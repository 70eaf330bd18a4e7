"""`Job`, the name of a piece of bulk work, from which the ids of its rows are made."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from customerio_tool.errors import ArgumentsInvalid, CustomerIoError, NextStep
from customerio_tool.subtools import find
from customerio_tool.subtools.declare import Effect, Subtool
from customerio_tool.subtools.declare.json_text import compact

KEPT_SECONDS = 7 * 86_400.0
"""How long a job is kept after it was last worked on: as long as a ledger keeps the key of a send.

After that, nothing would tell whether a row in flight at the end had been sent.
"""


class BulkError(CustomerIoError):
    """A bulk job cannot be run, or cannot go on; what was done is kept."""

    code = "bulk_stopped"
    next_step: NextStep = "ask_user"


class InputInvalid(BulkError):
    """The input cannot be read as rows, or the options do not fit it; nothing was sent."""

    code = "input_invalid"


class InputChanged(BulkError):
    """The input changed since the job began, so that its row numbers name other rows."""

    code = "input_changed"


class JournalLost(BulkError):
    """What keeps the rows of a job cannot be used: its disk is full, or Redis is away, or empty.

    No row is lost: one that was not kept as done goes again, with the same ids.
    """

    code = "journal_lost"


class JobUnknown(BulkError):
    """A Redis has no job of the id that was named."""

    code = "job_unknown"


class JobBusy(BulkError):
    """Another process of this machine works on the job."""

    code = "job_busy"
    next_step = "wait"


@dataclass(frozen=True)
class Job:
    """A piece of bulk work: one subtool over many rows.

    The same row of the same job is applied once: its id is made from the job's id and its number.

    Args:
        id: The id. Two jobs of a workspace must not share one.
        subtool: The name of the subtool.
        has_agreed: Whether a person agreed to the whole job; it counts where the policy confirms.

    Raises:
        SubtoolUnknown: There is no subtool of that name.
        ArgumentsInvalid: The subtool only reads, or the id is blank.
    """

    id: str
    subtool: str
    has_agreed: bool = False

    def __post_init__(self) -> None:
        """Refuse what no row could be applied with."""
        if find(self.subtool).effect.read_only:
            raise ArgumentsInvalid(
                f"{self.subtool} only reads, and bulk keeps no replies; call it for each row."
            )
        if not self.id.strip():
            raise ArgumentsInvalid("The id of a job is blank; name what its rows are.")

    @property
    def declared(self) -> Subtool[Any]:
        """The declaration of the subtool."""
        return find(self.subtool)

    @property
    def run_id(self) -> str:
        """The run of all calls of the job: `send_budget` counts by it."""
        return f"bulk-{self.id}"

    def key_of(self, row: int, again: int = 0) -> str:
        """Return the key of a row, the same before each attempt.

        Args:
            row: The number of the row.
            again: How many times a person let it go again.
        """
        return f"bulk-{self.id}-{row}" + (f"-{again}" if again else "")

    def arguments_of(self, row: int, given: Mapping[str, Any], again: int = 0) -> dict[str, Any]:
        """Return the arguments of a row with its id, if it has none of its own."""
        name = key_argument_of(self.declared)
        if name is None or (given.get(name) is not None and not again):
            return dict(given)
        return {**given, name: self.key_of(row, again)}


def key_argument_of(subtool: Subtool[Any]) -> str | None:
    """Return the argument with the id by which a repeated call is known, if there is one."""
    return "event_id" if subtool.effect is Effect.RECORD else subtool.key_argument


def leaves_a_trace(subtool: Subtool[Any]) -> bool:
    """Whether to note a row before its call, as a repeat would not be harmless or look the same.

    A repeated create makes two, and a repeated removal finds nothing. A send has the ledger.
    """
    return subtool.effect in (Effect.CREATE, Effect.ERASE, Effect.REMOVE)


def job_id(workspace: str, subtool: str, options: Mapping[str, Any], digest: str) -> str:
    """Return the id of a job on an input, in 32 hex digits.

    Args:
        workspace: The digest of the workspace: a job of one is not the job of another.
        subtool: The name of the subtool.
        options: What else decides which calls the rows are.
        digest: The digest of the input's bytes.
    """
    text = compact(["bulk", workspace, subtool, options, digest], is_ascii=True, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
