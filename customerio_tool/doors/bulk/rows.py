"""A row of a bulk job, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from customerio_tool import errors

RowState: TypeAlias = Literal["done", "rejected", "unknown", "waiting", "stopped"]
"""What became of a row.

`done`: Customer.io has it. `rejected`: it cannot be applied as it is. `unknown`: it may have been
applied, and only a person may let it go again. `waiting`: it was not applied, and can be later.
`stopped`: it was not applied, and no other row can be: the credentials are wrong, for example.
"""


@dataclass(frozen=True)
class Row:
    """One row of the input.

    Args:
        number: The number of the row, from 1: its line, or its number in a spreadsheet.
        arguments: The arguments of its call; empty if it cannot be read.
        problem: Why it cannot be read; "" if it can.
        text: The row as it is written, if it cannot be read; not more than its beginning.
        again: How many times a person let it go again although its outcome was unknown.
        is_repeat: Whether an earlier attempt of it may have been applied.
    """

    number: int
    arguments: Mapping[str, Any] = field(default_factory=dict, repr=False)
    problem: str = ""
    text: str = field(default="", repr=False)
    again: int = 0
    is_repeat: bool = False


@dataclass(frozen=True)
class Outcome:
    """What became of one row.

    Args:
        row: The row.
        state: Its state.
        result: The result envelope of its call.
    """

    row: Row
    state: RowState
    result: Mapping[str, Any] = field(repr=False)

    @property
    def reason(self) -> str:
        """Why it is not done, in sentences without a value of the row; "" if it is done."""
        return "" if self.state == "done" else str(self.result.get("summary", ""))

    @property
    def code(self) -> str:
        """The code of the error; "" if the row is done."""
        return "" if self.state == "done" else str(self.result["error"]["code"])

    def kept(self) -> dict[str, Any]:
        """Return what a person needs to mend the row, or to look what became of it."""
        error = self.result["error"]
        more = {name: error[name] for name in ("fields", "try", "look") if name in error}
        given: dict[str, Any] = (
            {"arguments": dict(self.row.arguments)} if self.row.arguments else {}
        )
        given |= {"text": self.row.text} if self.row.text else {}
        about = {"row": self.row.number, "code": self.code, "reason": self.reason}
        return {**about, **more, **given}


def unreadable(row: Row) -> Outcome:
    """Return the outcome of a row that cannot be read."""
    summary = f"The row cannot be read: {row.problem}."
    error = {"code": "row_unreadable", "next_step": "fix_arguments", "took_effect": "no"}
    return Outcome(row, "rejected", {"ok": False, "summary": summary, "error": error})


_STOP = {
    errors.ConnectionInvalid.code,
    errors.CredentialsRejected.code,
    errors.PermissionDenied.code,
    errors.SubtoolDisabled.code,
    errors.ToolClosed.code,
}
"""The errors that all rows would have."""


def state_of(result: Mapping[str, Any]) -> RowState:
    """Return the state of a row whose call had this result."""
    if result["ok"]:
        return "done"
    error = result["error"]
    if _stops(error):
        return "stopped"
    if error["next_step"] == "wait" or error["code"] == errors.Cancelled.code:
        return "waiting"
    is_in_doubt = error["code"] == errors.ConfirmationRequired.code
    return "unknown" if is_in_doubt or error["took_effect"] == "unknown" else "rejected"


def _stops(error: Mapping[str, Any]) -> bool:
    code, has_fields = error["code"], bool(error.get("fields"))
    if code == errors.PolicyRefused.code:
        return not has_fields  # with fields it refuses this row alone
    is_out_of_reach = code == errors.Unreachable.code and error["next_step"] != "wait"
    return code in _STOP or is_out_of_reach
