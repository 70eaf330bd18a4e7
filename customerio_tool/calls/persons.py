"""Confirms a call by a person: it waits until the host passes on that the person agreed.

Only the host can pass on a person's approval, and it runs exactly the call that the person saw: no
argument of a model approves anything.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NoReturn

from customerio_tool.calls.call import Call
from customerio_tool.calls.seen import members_of, said_of
from customerio_tool.calls.waiting_calls import WaitingCalls
from customerio_tool.errors import ConfirmationRequired, Look, PolicyRefused
from customerio_tool.subtools.declare.times import iso_time

_WAITS = (
    "No argument changes that: this call waits for a person's approval, which only the application "
    "that runs this agent can pass on. Make the call in `look`, and tell the user what it shows."
)


class PersonConfirmation:
    """Asks a person about a call, which waits until the host approves or declines it.

    Args:
        waiting: Keeps the calls.
    """

    def __init__(self, waiting: WaitingCalls) -> None:
        self._waiting = waiting

    def ask(self, call: Call[Any]) -> NoReturn:
        """Keep a call for a person's decision; an equal call of the same run gets the same id.

        Raises:
            ConfirmationRequired: The envelope has the `confirmation_id`.
            LedgerUnavailable: The store of waiting calls cannot be used.
        """
        raise ConfirmationRequired(
            f"Nothing was sent yet: {call.subtool.name} waits for a person's approval, which only "
            "the application that runs this agent can pass on. Tell the user what you asked for; "
            f"no argument approves it, and asking again changes nothing.{said_of(call.seen)}",
            extra={**members_of(call.seen), "confirmation_id": self._waiting.keep(call)},
        )

    def ask_again(self, call: Call[Any], first: Call[Any]) -> NoReturn:
        """Keep a call whose message may have gone already, for a person's decision.

        Args:
            call: The call, which has a new key.
            first: The same message, at the moment when its first call began.

        Raises:
            ConfirmationRequired: The envelope has the `confirmation_id`, and `look`.
            LedgerUnavailable: The store of waiting calls cannot be used.
        """
        raise ConfirmationRequired(
            f"Nothing was sent yet: the same message began at {iso_time(first.at.now)} and got no "
            f"usable answer, so that it may have gone. {_WAITS}",
            look=first.look(),
            extra={"confirmation_id": self._waiting.keep(replace(call, sends_again=True))},
        )

    def ask_about(self, call: Call[Any], began: float, look: Look | None, seen: str) -> NoReturn:
        """Keep a call to somebody to whom another message may have gone, for a person's decision.

        Args:
            call: The call.
            began: When the other call began, in Unix seconds.
            look: The read that shows whether its message went.
            seen: What that read showed just now, as a sentence; empty if nothing.

        Raises:
            ConfirmationRequired: The envelope has the `confirmation_id`, and `look`.
            LedgerUnavailable: The store of waiting calls cannot be used.
        """
        raise ConfirmationRequired(
            f"Nothing was sent yet: another message to the same recipient began at "
            f"{iso_time(began)} and got no usable answer, so that it may have gone. {_WAITS}",
            look=look,
            extra={
                "confirmation_id": self._waiting.keep(replace(call, sends_again=True)),
                **({"possibly": seen} if seen else {}),
            },
        )


def nobody_can_approve(subtool: str) -> PolicyRefused:
    """Return the error for a call that needs approval where no person could give it.

    A confirmation id would be useless there: no one is asked, and no other process sees the call.
    """
    return PolicyRefused(
        f"Nothing was sent: {subtool} needs a person's approval, and nobody could give it here. A "
        "person can make the call at a terminal, where the shell asks. Or the application keeps "
        "such calls where `customerio-tool approvals` and the workbench find them: it sets "
        "CUSTOMERIO_LEDGER_FILE or CUSTOMERIO_REDIS_URL."
    )
