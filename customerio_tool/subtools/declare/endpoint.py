"""An endpoint of Customer.io, the effect of a call to it, and its rate limit."""

from __future__ import annotations

from enum import Enum
from functools import cached_property
from string import Formatter

from customerio_tool.records import record


class Api(Enum):
    """The two APIs of Customer.io, each with its own host and its own credentials."""

    TRACK = "track"
    APP = "app"


ALL_APIS = frozenset(Api)


class Retry(Enum):
    """Whether to repeat a call after a lost reply or a 5xx status."""

    ALWAYS = "retry"
    VERIFY = "read back, then at most once more"
    NEVER = "never"


class Effect(Enum):
    """A subtool's effect on the workspace; it decides MCP's hints, retries and confirmation.

    Args:
        word: The effect in one word, for people.
        read_only: MCP's `readOnlyHint`.
        destructive: MCP's `destructiveHint`.
        idempotent: MCP's `idempotentHint`.
        retry: Whether to repeat a call after a lost reply or a 5xx status.
        asked_first: Whether a call needs confirmation, unless the policy's `confirm` is `never`.
    """

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
        """MCP's tool annotations; the world is open because every call reaches Customer.io."""
        return {
            "readOnlyHint": self.read_only,
            "destructiveHint": self.destructive,
            "idempotentHint": self.idempotent,
            "openWorldHint": True,
        }


class Pace(Enum):
    """Customer.io's rate limits: the number of calls (permits) per period in seconds.

    Source: https://docs.customer.io/integrations/api/track/ and …/app/, which say that the limit
    of the Track API is not strictly enforced.
    """

    TRACK = (1000, 1)
    APP = (10, 1)
    SEND = (100, 1)
    BROADCAST = (1, 10)

    def __init__(self, permits: int, period_seconds: float) -> None:
        self.permits = permits
        self.period_seconds = period_seconds


@record(frozen=True)
class Endpoint:
    """An API, an HTTP method, and a path with an `{argument}` slot for each path parameter."""

    api: Api
    method: str
    path: str

    @cached_property
    def slots(self) -> list[str]:
        """The names of the arguments in the path, in order."""
        return [name for _, name, _, _ in Formatter().parse(self.path) if name]
