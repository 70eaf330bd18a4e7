"""``Sandbox``: the local Customer.io started, stopped and looked into from Python."""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from shutil import rmtree
from ssl import SSLContext
from types import TracebackType
from typing import Any, Literal

from . import state
from .application import Application
from .clock import Clock
from .faults import Active, Faults
from .options import Options
from .server import Server
from .store import Store
from .tls import server_context
from .welcome import welcome


class Sandbox:
    """A local Customer.io on 127.0.0.1: Track under /api/v1 and /api/v2, App under /v1.

    Use it as a context manager, or call ``start`` and ``close``; it may be started again. After a
    fork it stays with the process that started it: the other may use its URLs, and nothing else.

    Args:
        port: the port to listen on; 0 takes a free one.
        tls: serve https, with a CA made on the spot (needs the ``sandbox`` extra).
        db: a file to keep the workspace in; ``None`` keeps nothing. Time goes on in it: without a
            ``clock`` of its own, a sandbox whose file was written by a clock that was ahead starts
            at the last time in it. Several processes may share one file, each with its own clock.
        seed: fill an empty workspace with the demo (true), with nothing (false), or with a seed of
            your own, in the form that ``customerio_tool.sandbox.seeding`` describes.
        clock: where time comes from; freeze or advance it to test what depends on time.
        options: workspace settings, keys and switches.

    Raises:
        RuntimeError: ``tls`` without trustme installed.
        OSError: the port is taken.
        ValueError: the seed makes no sense, or ``db`` cannot keep a workspace.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        tls: bool = False,
        db: str | Path | None = None,
        seed: bool | Mapping[str, Any] = True,
        clock: Clock | None = None,
        options: Options | None = None,
    ) -> None:
        self.clock = clock or Clock()
        self._follows = clock is None
        self._options = options or Options()
        self.ca_file: str | None = None
        self._port, self._tls, self._seed = port, tls, seed
        self._db = None if db is None else Path(db)
        self._discard: weakref.finalize[[str], Sandbox] | None = None
        self._is_parents = False
        _in_children.add(weakref.WeakMethod(self._leave_to_parent, _in_children.discard))
        self._store: Store | None = None
        self._server: Server | None = None

    def start(self) -> Sandbox:
        """Open the workspace and listen; returns itself."""
        if self._server is not None:
            return self
        self._is_parents = False
        try:
            context = self._certify() if self._tls else None
            self._store = Store(self._db)
            application = Application(self._store, self.clock, self._options, self._seed)
            with self._store.transaction():  # another process may be opening the same file
                if self._store.is_empty():
                    application.fill()
                elif self._follows:
                    application.catch_up()
            server = Server(self._port, application, context)
        except BaseException:
            self.close()
            raise
        self._server = server
        self._server.start()
        return self

    def _certify(self) -> SSLContext:
        folder = tempfile.mkdtemp(prefix="customerio-sandbox-ca-")
        self._discard = weakref.finalize(self, rmtree, folder, ignore_errors=True)
        context, ca_file = server_context(Path(folder))
        self.ca_file = str(ca_file)
        return context

    def close(self) -> None:
        """Cut connections, stop listening, close the workspace. Calling it again does nothing."""
        if self._is_parents:  # its threads and its workspace are not here
            return
        if self._server is not None:
            self._server.stop()
            self._server.application.snapshots.clear()
        if self._store is not None:
            self._store.close()
        if self._discard is not None:
            self._discard()
        self._server = self._store = self._discard = None

    def _leave_to_parent(self) -> None:
        self._is_parents = True
        if self._discard is not None:
            self._discard.detach()

    def __enter__(self) -> Sandbox:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        where = self.track_url if self._server else "not running"
        return f"<Sandbox {where}>"

    @property
    def application(self) -> Application:
        """What answers requests, for calls without a socket.

        Raises:
            RuntimeError: it is not running, or runs in the process that this one was forked from.
        """
        if self._is_parents:
            raise RuntimeError("the sandbox runs in the process that forked this one: use its URLs")
        return self._running().application

    def _running(self) -> Server:
        if self._server is None:
            raise RuntimeError("the sandbox is not running: call start() or use it in a with block")
        return self._server

    @property
    def track_url(self) -> str:
        """The origin of the Track API, such as ``http://127.0.0.1:4242``."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._running().port}"

    @property
    def app_url(self) -> str:
        """The origin of the App API: the same one."""
        return self.track_url

    @property
    def console_url(self) -> str:
        """Where the workspace can be looked into: all of it, as JSON."""
        return f"{self.track_url}/_sandbox/state"

    @property
    def options(self) -> Options:
        """The settings in force; ``configure`` changes them."""
        return self._options if self._server is None else self._server.application.options

    @property
    def site_id(self) -> str:
        """The Track API's user name: ``sandbox-site-`` and 8 hex digits, unless options name one.

        The digits are new when the workspace begins anew, by a new sandbox, ``reset`` or
        ``restore``, and stay with a file. So who keeps something of a workspace by its site id, as
        ``CustomerIoTool`` does what it sent, keeps nothing of another. All are taken at any time,
        ``sandbox-site`` alone too. A site id that the options name is always the same.
        """
        named = self.options.site_id
        if self._store is None or named != Options.site_id:
            return named
        if not self._is_parents:
            self._store.renew()
        return f"{named}-{self._store.generation}"

    @property
    def track_api_key(self) -> str:
        """The Track API's password."""
        return self.options.track_api_key

    @property
    def app_api_key(self) -> str:
        """The App API's bearer token."""
        return self.options.app_api_key

    def connection(self) -> dict[str, str]:
        """A saved connection to this sandbox; see ``site_id`` for how long to keep it."""
        saved = {
            "site_id": self.site_id,
            "track_api_key": self.track_api_key,
            "app_api_key": self.app_api_key,
            "region": self.options.region,
            "track_url": self.track_url,
            "app_url": self.app_url,
        }
        return saved if self.ca_file is None else {**saved, "ca_file": self.ca_file}

    def ready(self) -> dict[str, str | None]:
        """What a ready file tells a process that waits for this sandbox."""
        return {
            "track_url": self.track_url,
            "app_url": self.app_url,
            "console_url": self.console_url,
            "site_id": self.site_id,
            "track_api_key": self.track_api_key,
            "app_api_key": self.app_api_key,
            "ca_file": self.ca_file,
        }

    def lines(self) -> list[str]:
        """What to print for a person: URLs, keys, and what each official client needs."""
        return welcome(self.ready())

    @property
    def faults(self) -> Faults:
        """The fault rules: ``set``, ``add``, ``clear``, ``shown``. See ``Fault`` for a rule."""
        return self.application.faults

    def fault(self, **rule: Any) -> Active:
        """Add one fault rule: ``sandbox.fault(operation="send_email", status=503, times=1)``.

        Args:
            rule: the members of ``Fault``.

        Returns:
            The rule at work, with ``matched`` and ``fired``, how many requests it fitted and hit.

        Raises:
            ValueError: the rule makes no sense.
        """
        return self.application.faults.add(rule)

    def requests(self, after: int = 0) -> list[dict[str, Any]]:
        """The request log from number ``after`` on; it holds no credentials."""
        return self.application.requests(after)

    def wait_for(
        self,
        count: int = 1,
        operation: str | None = None,
        *,
        after: int = 0,
        timeout: float = 5.0,
    ) -> list[dict[str, Any]]:
        """Wait until so many requests were answered, and return them from the log.

        Args:
            count: how many.
            operation: of this operation only, such as ``track``.
            after: counting from this number of the log.
            timeout: real seconds to wait, whatever the sandbox's clock says.

        Raises:
            TimeoutError: fewer came, or stayed in the log; the text says how many.
            ValueError: the log keeps fewer than ``count`` (``requests_kept`` of the options).
        """
        application = self.application
        found = application.requests(after, operation, count=count, timeout=timeout)
        if len(found) < count:
            what = f"{len(found)} of {count} {operation or 'any'} requests"
            end = "before it stopped" if application.ending.is_set() else f"within {timeout:g} s"
            kept = application.options.requests_kept
            log = f" and are in the log, which keeps the newest {kept} (options.requests_kept)"
            raise TimeoutError(f"{what} came {end}{log if kept else ''}")
        return found

    def state(self) -> dict[str, Any]:
        """The whole workspace, as ``GET /_sandbox/state`` shows it."""
        with self.application.work() as ws:
            return state.dump_state(ws)

    def reset(self, to: Literal["seed", "empty"] = "seed", *, snapshots: bool = False) -> None:
        """Be as when it was started: workspace, log, faults, clock, options.

        A tool that was made before still remembers what it sent, and answers ``already_sent``; one
        made of ``connection()`` afterwards does not.

        Args:
            to: ``empty`` leaves the workspace without anything.
            snapshots: drop them too; otherwise they stay.
        """
        self.application.reset(to, snapshots=snapshots)

    def seed(self, seed: Mapping[str, Any]) -> dict[str, int]:
        """Add people, segments, campaigns ... to the workspace; returns how many of each.

        Args:
            seed: in the form that ``customerio_tool.sandbox.seeding`` describes.

        Raises:
            ValueError: an entry makes no sense: the text says which, and nothing was added.
        """
        return self.application.sow(seed)

    def snapshot(self, name: str) -> None:
        """Keep the workspace, its log included, under a name."""
        self.application.snapshots.take(name)

    def restore(self, name: str) -> None:
        """Go back to what was kept under a name. The clock stays; for tools it is as ``reset``.

        Raises:
            KeyError: nothing was.
        """
        self.application.snapshots.restore(name)

    def drop(self, name: str) -> None:
        """Forget what was kept under a name.

        Raises:
            KeyError: nothing was.
        """
        self.application.snapshots.drop(name)

    def configure(self, **changes: Any) -> None:
        """Change options from now on: ``sandbox.configure(delay_seconds=30)``.

        Args:
            changes: members of ``Options``, all but the credentials.

        Raises:
            ValueError: no such option, a value of the wrong kind, or a credential.
        """
        self.application.change_options(changes)


_in_children: set[weakref.WeakMethod[Callable[[], None]]] = set()


def _after_fork() -> None:
    for reference in list(_in_children):
        if leave := reference():
            leave()


if hasattr(os, "register_at_fork"):  # elsewhere nothing forks
    os.register_at_fork(after_in_child=_after_fork)
