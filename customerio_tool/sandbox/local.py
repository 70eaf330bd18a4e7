"""``Sandbox``: starts, stops and inspects the local Customer.io from Python."""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from shutil import rmtree
from ssl import SSLContext
from types import TracebackType
from typing import Any, Literal

from .clock import Clock
from .options import Options
from .serving import access, request_log
from .serving.application import Application
from .serving.faults import Active, Faults
from .serving.server import LOOPBACK, Server
from .serving.tls import server_context
from .serving.welcome import welcome
from .store import changes, state
from .store.store import Store


class Sandbox:
    """A local Customer.io: Track under /api/v1 and /api/v2, App under /v1.

    Use it as a context manager, or call ``start`` and ``close``; it can be started again. After a
    fork, the sandbox belongs to the process that started it. The child may only use its URLs.

    Args:
        port: the port to listen on; 0 takes a free one.
        host: the IPv4 address or name to listen on; ``0.0.0.0`` for all of this machine's. Where
            other machines reach it, keys that everybody knows are drawn anew, and the console and
            the control routes need the App API key.
        tls: serve https, with a new CA at each start (needs the ``sandbox`` extra).
        db: a file that keeps the workspace; ``None`` keeps nothing. Without a ``clock``, time never
            goes back in a file: the sandbox starts at the last time in it, if that is later than
            now. Several processes may share one file, each with its own clock.
        seed: the content of an empty workspace: the demo (true), nothing (false), or your own seed
            in the form that ``customerio_tool.sandbox.seeds.seeding`` describes.
        clock: the sandbox's clock; freeze or advance it to test behaviour over time.
        options: workspace settings, keys and switches: ``Options``, or a mapping of its members,
            such as ``{"delay_seconds": 30}``.

    Raises:
        RuntimeError: ``tls`` without trustme installed.
        OSError: the port is taken, or the host is none of this machine's.
        ValueError: an option or the seed is invalid, or ``db`` cannot keep a workspace.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        host: str = LOOPBACK,
        tls: bool = False,
        db: str | Path | None = None,
        seed: bool | Mapping[str, Any] = True,
        clock: Clock | None = None,
        options: Options | Mapping[str, Any] | None = None,
    ) -> None:
        self.clock = clock or Clock()
        self._clock_is_default = clock is None
        self._is_exposed = not access.is_loopback(host)
        given = Options.of(options)
        self._options = given.with_own_keys() if self._is_exposed else given
        self.ca_file: str | None = None
        self._host, self._port, self._tls, self._seed = host, port, tls, seed
        self._db = None if db is None else Path(db)
        self._discard: weakref.finalize[[str], Sandbox] | None = None
        self._is_parents = False
        _in_children.add(weakref.ref(self, _in_children.discard))
        self._store: Store | None = None
        self._server: Server | None = None

    def start(self) -> Sandbox:
        """Open the workspace and listen; returns the sandbox."""
        if self._server is not None:
            return self
        self._is_parents = False
        try:
            context = self._certify() if self._tls else None
            self._store = Store(self._db)
            application = Application(
                self._store, self.clock, self._options, self._seed, is_exposed=self._is_exposed
            )
            with self._store.transaction():  # another process may open the same file
                if self._store.is_empty():
                    application.fill()
                elif self._clock_is_default:
                    application.catch_up()
            server = Server(self._host, self._port, application, context)
            server.pages.ca_file = self.ca_file
        except BaseException:
            self.close()
            raise
        self._server = server
        self._server.start()
        return self

    def _certify(self) -> SSLContext:
        folder = tempfile.mkdtemp(prefix="customerio-sandbox-ca-")
        self._discard = weakref.finalize(self, rmtree, folder, ignore_errors=True)
        context, ca_file = server_context(Path(folder), self._host)
        self.ca_file = str(ca_file)
        return context

    def close(self) -> None:
        """Cut connections, stop listening, close the workspace. A second call does nothing."""
        if self._is_parents:  # this process has neither its threads nor its workspace
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
        """The application behind the server, for calls without a socket.

        Raises:
            RuntimeError: the sandbox is not running, or belongs to the parent of this process.
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
        return self._running().origin

    @property
    def app_url(self) -> str:
        """The origin of the App API, equal to ``track_url``."""
        return self.track_url

    @property
    def console_url(self) -> str:
        """The URL of the console: web pages that show the workspace and the request log."""
        return f"{self.track_url}/"

    @property
    def options(self) -> Options:
        """The current settings; ``configure`` changes them."""
        return self._options if self._server is None else self._server.application.options

    @property
    def site_id(self) -> str:
        """The Track API's user name: ``sandbox-site-`` and 8 hex digits, unless the options set it.

        A new sandbox, ``reset`` and ``restore`` draw new digits; a file keeps them. A client that
        remembers something by site id, as ``CustomerIoTool`` remembers what it sent, therefore
        remembers nothing of another workspace. The server accepts any digits, and none.
        """
        if self._store is None:
            return self.options.site_id
        if not self._is_parents:
            self._store.renew()
        return access.site_id(self.options, self._store.generation)

    @property
    def track_api_key(self) -> str:
        """The Track API's password."""
        return self.options.track_api_key

    @property
    def app_api_key(self) -> str:
        """The App API's bearer token."""
        return self.options.app_api_key

    def connection(self) -> dict[str, str]:
        """A saved connection to this sandbox. ``site_id`` says when it changes."""
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
        """The content of a ready file, for a process that waits for this sandbox."""
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
        """The lines to print: URLs, keys, and the code for each official client."""
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
            The rule in force. It counts the requests: ``matched`` fit it, ``fired`` were hit.

        Raises:
            ValueError: the rule is invalid.
        """
        return self.application.faults.add(rule)

    def requests(self, after: int = 0) -> list[dict[str, Any]]:
        """The entries of the request log with a number above ``after``, without credentials.

        The log keeps the newest 10,000; the option ``requests_kept`` changes that.
        """
        return self.application.requests(after)

    def wait_for(
        self,
        count: int = 1,
        operation: str | None = None,
        *,
        after: int = 0,
        timeout: float = 5.0,
    ) -> list[dict[str, Any]]:
        """Wait until ``count`` requests were answered; returns their log entries.

        Args:
            count: the number of requests to wait for.
            operation: count only this operation, such as ``track``.
            after: ignore entries up to this number.
            timeout: wait at most this many real seconds; the sandbox's clock does not matter.

        Raises:
            TimeoutError: fewer came, or the log dropped some; the text says how many.
            ValueError: the log keeps fewer than ``count`` (option ``requests_kept``), or there is
                no such operation.
        """
        application = self.application
        found = application.requests(after, operation, count=count, timeout=timeout)
        if len(found) < count:
            came = f"{len(found)} of {count} {operation or 'any'} requests"
            end = "before it stopped" if application.ending.is_set() else f"within {timeout:g} s"
            with application.work() as ws:
                is_cut = request_log.first_number(ws) > 1
            kept = f"the newest {application.options.requests_kept} (options.requests_kept)"
            log = f" and are in the log, which keeps {kept}" if is_cut else ""
            raise TimeoutError(f"{came} came {end}{log}")
        return found

    def state(self) -> dict[str, Any]:
        """The whole workspace, as ``GET /_sandbox/state`` answers it."""
        with self.application.work() as ws:
            return state.dump_state(ws)

    def record_changes(self) -> int:
        """Record what each request changes, until a reset or a restore.

        Returns:
            The number of the newest request in the log.
        """
        self._running().application.store.record_changes()
        with self.application.work() as ws:
            return request_log.last_number(ws)

    def changes(self, requests: Sequence[int]) -> dict[str, Any]:
        """What requests changed since ``record_changes``, by their numbers in the request log.

        The newest 50,000 changes are kept.

        Returns:
            ``requests``, which says of each whether it was applied, and why not; ``quiet``, the
            reasons with their subject; ``changes``, each row before and after, at most 50 of a
            table; ``counts``, how many rows of each table changed; ``due``, the time at which a
            delayed write will be applied.
        """
        self._running().application.store.record_changes()
        with self.application.work() as ws:
            return changes.made_by(ws, requests)

    def reset(self, to: Literal["seed", "empty"] = "seed", *, snapshots: bool = False) -> None:
        """Restore the state of the start: workspace, log, faults, clock, options.

        A tool from before the reset still remembers its sends, and answers ``already_sent``. Make a
        new one from ``connection()``.

        Args:
            to: ``empty`` leaves the workspace empty, ``seed`` fills it with the seed of the start.
            snapshots: drop the snapshots too.
        """
        self.application.reset(to, snapshots=snapshots)

    def seed(self, seed: Mapping[str, Any]) -> dict[str, int]:
        """Add people, segments, campaigns ... to the workspace; returns the number of each kind.

        Args:
            seed: a seed in the form that ``customerio_tool.sandbox.seeds.seeding`` describes.

        Raises:
            ValueError: an entry is invalid: the text says which. Nothing was added.
        """
        return self.application.add_seed(seed)

    def snapshot(self, name: str) -> None:
        """Take a snapshot of the workspace and its log."""
        self.application.snapshots.take(name)

    def restore(self, name: str) -> None:
        """Return to a snapshot. The clock stays; tools need a new connection, as after ``reset``.

        Raises:
            KeyError: there is no snapshot of this name.
        """
        self.application.snapshots.restore(name)

    def drop(self, name: str) -> None:
        """Delete a snapshot.

        Raises:
            KeyError: there is no snapshot of this name.
        """
        self.application.snapshots.drop(name)

    def configure(self, **changes: Any) -> None:
        """Change options from now on: ``sandbox.configure(delay_seconds=30)``.

        Args:
            changes: members of ``Options``, except the credentials.

        Raises:
            ValueError: an unknown option, a value of the wrong type, or a credential.
        """
        self.application.change_options(changes)


_in_children: set[weakref.ref[Sandbox]] = set()


def _after_fork() -> None:
    for reference in list(_in_children):
        if sandbox := reference():
            sandbox._leave_to_parent()  # noqa: SLF001 - of this module


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_child=_after_fork)
