"""The workspaces that the workbench knows: the local Customer.io, and those of connections."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from threading import RLock
from typing import TYPE_CHECKING, Any

from customerio_tool.backends.telemetry.recent import RecentCalls
from customerio_tool.connection.fields import is_vendor
from customerio_tool.deadline import Clock
from customerio_tool.details import DEFAULT_DETAIL, Detail
from customerio_tool.doors.ground import Ground
from customerio_tool.doors.workbench.agent.script import Script
from customerio_tool.doors.workbench.agent.talk import Talk
from customerio_tool.doors.workbench.decided import Decisions
from customerio_tool.doors.workbench.kept import KeptConnection, KeptConnections, KeptUnusable
from customerio_tool.doors.workbench.trials import Trials
from customerio_tool.errors import ConnectionInvalid
from customerio_tool.policy import Policy
from customerio_tool.policy.narrowing import with_preset
from customerio_tool.secret import Secret
from customerio_tool.tool import CustomerIoTool

if TYPE_CHECKING:
    from customerio_tool.sandbox import Sandbox

DOOR = "workbench"


@dataclass(eq=False)
class Workspace:
    """One workspace, and what a person has chosen for it; `repr` shows no key.

    Args:
        key: Its name in addresses.
        title: Its name for a person.
        ground: The connection, stores and clock of its tools.
        bound: What its calls may do at most: the choices narrow it, and never widen it.
        is_kept: Whether its connection is in the file of kept connections.
        found: What the last test of its connection found; None if it was not tested.
        saved: The fields of its connection as a person gave them; None if nobody did.
        detail: How much of the definitions its assistant is shown.
    """

    key: str
    title: str
    ground: Ground = field(repr=False)
    bound: Policy = field(repr=False)
    is_kept: bool = False
    found: Mapping[str, Any] | None = field(default=None, repr=False)
    saved: Secret[Mapping[str, str]] | None = field(default=None, repr=False)
    detail: Detail = DEFAULT_DETAIL
    recent: RecentCalls = field(default_factory=RecentCalls, repr=False)
    trials: Trials = field(default_factory=Trials, repr=False)
    decided: Decisions = field(default_factory=Decisions, repr=False)
    talk: Talk = field(default_factory=lambda: Talk(DOOR), repr=False)

    def __post_init__(self) -> None:
        """Choose all that may be done, and have the calls of the workspace kept for its pages."""
        self.policy = self.bound
        self.talk.detail = self.detail
        self._lock = RLock()
        self.ground = self._watched(self.ground)

    @property
    def local(self) -> Sandbox | None:
        """The sandbox, if the workspace is one of this process."""
        return self.ground.local

    @property
    def is_live(self) -> bool:
        """Whether calls may reach people: one of its hosts is Customer.io's own."""
        return any(map(is_vendor, self.ground.connection.origins()))

    def test(self) -> None:
        """Test the connection, and keep what was found."""
        with self.tool() as tool:
            self.found = tool.test_connection()

    def tool(self, *, dry_run: bool = False) -> CustomerIoTool:
        """Return a new tool under the chosen policy; whoever asks for it closes it.

        Args:
            dry_run: Whether it sends nothing, whatever the policy says.
        """
        with self._lock:
            if self.local and self.local.site_id != self.ground.connection.site_id:
                self.ground = self._watched(Ground.on(self.local))  # it was reset
            policy = self.policy
            return self.ground.tool(
                policy.model_copy(update={"dry_run": True}) if dry_run else policy
            )

    def now(self) -> float:
        """Return the time of its calls, in Unix seconds."""
        return (self.ground.clock or Clock()).now()

    def _watched(self, ground: Ground) -> Ground:
        stores = ground.backends
        watched = replace(stores, telemetry=(*stores.telemetry, self.recent))
        return replace(ground, backends=watched)


class Workspaces:
    """All workspaces of one workbench, and the one that its pages are about; safe for threads.

    `script` is the conversation that plays where no endpoint does.

    Args:
        first: The first workspace, which is chosen.
        kept: The file of kept connections; None where none is kept.
    """

    def __init__(self, first: Workspace, kept: KeptConnections | None = None) -> None:
        self.kept = kept
        self._all = {first.key: first}
        self._current = first.key
        self.script = Script(DOOR)
        self._lock = RLock()

    def add(self, workspace: Workspace) -> None:
        """Add a workspace, and choose it."""
        with self._lock:
            self._all[workspace.key] = workspace
            self._current = workspace.key

    def add_connection(
        self,
        title: str,
        ground: Ground,
        bound: Policy,
        saved: Secret[Mapping[str, str]] | None = None,
        key: str = "",
    ) -> Workspace:
        """Add the workspace of a connection, which begins careful, and choose it.

        Args:
            title: Its name for a person.
            ground: The connection, stores and clock.
            bound: What the server allows.
            saved: The fields of the connection as a person gave them.
            key: Its name in addresses; by default a new one.
        """
        name, detail = key or secrets.token_hex(4), self.current.detail
        workspace = Workspace(name, title, ground, bound, saved=saved, detail=detail)
        workspace.policy = with_preset(bound, "careful")
        self.add(workspace)
        return workspace

    def add_kept(self, bound: Policy) -> list[str]:
        """Add the workspaces of the kept connections, and return what kept one of them out.

        Args:
            bound: What the server allows.
        """
        try:
            kept = self.kept.all() if self.kept else {}
        except KeptUnusable as unusable:
            return [str(unusable)]
        problems = [self._add_kept(key, each, bound) for key, each in kept.items()]
        return [problem for problem in problems if problem]

    def _add_kept(self, key: str, one: KeptConnection, bound: Policy) -> str:
        """Add the workspace of a kept connection, and return the problem of one that is wrong."""
        try:
            ground = Ground.of(one.load())
        except (ConnectionInvalid, ImportError, ValueError) as error:
            return f"The kept connection {one.title!r}: {error}"
        self.add_connection(one.title, ground, bound, one.fields, key).is_kept = True
        return ""

    def remove(self, key: str) -> None:
        """Forget a workspace; of one that is unknown, there is nothing to forget.

        The last one stays: the pages are always about one.
        """
        with self._lock:
            if len(self._all) > 1 and (gone := self._all.pop(key, None)):
                gone.talk.stop()
            if self._current not in self._all:
                self._current = next(iter(self._all))

    def choose(self, key: str) -> None:
        """Let the pages be about this workspace.

        Raises:
            KeyError: There is none of that key.
        """
        with self._lock:
            self._current = self._all[key].key

    def find(self, key: str) -> Workspace:
        """Return the workspace of a key.

        Raises:
            KeyError: There is none of that key.
        """
        with self._lock:
            return self._all[key]

    def close(self) -> None:
        """End what goes on in threads and sandboxes of its own."""
        for each in self.all:
            each.talk.stop()
        self.script.begin_anew()

    @property
    def current(self) -> Workspace:
        """The workspace that the pages are about."""
        with self._lock:
            return self._all[self._current]

    @property
    def all(self) -> list[Workspace]:
        """All workspaces, the oldest first."""
        with self._lock:
            return list(self._all.values())
