"""Which endpoint is called, what that does, and how often it may be."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum


class Api(Enum):
    """The two APIs of Customer.io, each with its own host and its own credentials."""

    TRACK = "track"
    APP = "app"


ALL_APIS = frozenset(Api)


class Retry(Enum):
    """What may follow an answer that was lost, or a 5xx."""

    ALWAYS = "retry"
    VERIFY = "read back, then at most once more"
    NEVER = "never"


class Effect(Enum):
    """What a subtool does to the workspace; its risk and its repeats follow from this alone."""

    READ = ("read", True, False, True, Retry.ALWAYS, False)
    OVERWRITE = ("overwrite", False, True, True, Retry.ALWAYS, False)
    ADD = ("add", False, False, True, Retry.ALWAYS, False)
    RECORD = ("record", False, False, False, Retry.ALWAYS, False)
    CREATE = ("create", False, False, False, Retry.VERIFY, False)
    REMOVE = ("remove", False, True, True, Retry.ALWAYS, False)
    ERASE = ("erase", False, True, True, Retry.ALWAYS, True)
    SEND = ("send", False, True, False, Retry.NEVER, True)

    def __init__(
        self,
        word: str,
        read_only: bool,
        destructive: bool,
        idempotent: bool,
        retry: Retry,
        asked_first: bool,
    ) -> None:
        self.word = word
        self.read_only = read_only
        self.destructive = destructive
        self.idempotent = idempotent
        self.retry = retry
        self.asked_first = asked_first

    @property
    def annotations(self) -> dict[str, bool]:
        """The hints that MCP defines; every call reaches Customer.io, an open world."""
        return {
            "readOnlyHint": self.read_only,
            "destructiveHint": self.destructive,
            "idempotentHint": self.idempotent,
            "openWorldHint": True,
        }


class Pace(Enum):
    """The vendor's rate classes: permits per period in seconds.

    Source: https://docs.customer.io/integrations/api/track/ and …/app/. Track's limit is
    documented as not strictly enforced.
    """

    TRACK = (1000, 1)
    APP = (10, 1)
    SEND = (100, 1)
    BROADCAST = (1, 10)

    def __init__(self, permits: int, period_seconds: float) -> None:
        self.permits = permits
        self.period_seconds = period_seconds


@dataclass(frozen=True)
class Endpoint:
    """The endpoint: which API, HTTP method, and path with `{argument}` slots."""

    api: Api
    method: str
    path: str

    @property
    def slots(self) -> list[str]:
        """The names of the arguments that the path takes."""
        return re.findall(r"{(\w+)}", self.path)
