"""The workspace as one call sees it: store, time, options, and the call's quiet failures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..liquid.steps import Steps
from ..options import Options
from .store import Store

if TYPE_CHECKING:
    from ..rules.audience_file import File


@dataclass
class Workspace:
    """The workspace of one call, inside one transaction. ``time`` is Unix seconds."""

    store: Store
    options: Options
    time: float
    operation: str = ""
    quiet_failures: list[str] = field(default_factory=list)
    is_delayed: bool = False  # the call is accepted now and applied later
    files: Mapping[str, File] = field(default_factory=dict)  # what was fetched for it, by URL
    steps: Steps = field(default_factory=Steps)  # the work of rendering that it may still do

    @property
    def now(self) -> int:
        """The call's time in whole Unix seconds."""
        return int(self.time)

    @property
    def reason(self) -> str | None:
        """Why the call had no effect, or only part of it; ``None`` when it had all of it."""
        return "; ".join(dict.fromkeys(self.quiet_failures)) or None

    def fail_quietly(self, reason: str, subject: str = "") -> None:
        """Record why a call has no effect, or only part of it, although it answers 200 (T).

        Args:
            reason: a fixed phrase, such as ``suppressed`` or ``identifier conflict``.
            subject: the identifier, the attribute's name, or the like.
        """
        self.quiet_failures.append(reason)
        self.store.insert(
            "activity", time=self.time, operation=self.operation, reason=reason, subject=subject
        )


def dump(value: Any) -> str:
    """JSON text for a column."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
