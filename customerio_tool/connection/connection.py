"""`Connection`: the credentials, region and hosts of a saved connection, validated.

No error message contains a value. The frames of this module hold saved values only inside a
`Secret`, so a traceback that prints local variables does not show them. That cannot be promised
for the caller's own frames, nor for a mapping of the caller's that raises while it is read.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn, cast

from pydantic import PrivateAttr

from customerio_tool.connection.fields import (
    HOSTS,
    REGION_OF,
    REGIONS,
    SERVICE_ACCOUNT,
    Region,
    SavedConnection,
    connection_fields,
    connection_schema,
    fits_schema,
    is_needed,
    is_vendor,
)
from customerio_tool.errors import ConnectionInvalid, FieldProblem, Problem
from customerio_tool.secret import Environment, Secret
from customerio_tool.subtools.declare import Api
from customerio_tool.subtools.declare.endpoint import ALL_APIS
from customerio_tool.subtools.declare.wording import meant

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

__all__ = ["Connection"]

_HOW_TO_MAKE_ONE = "A connection is made by Connection.load or Connection.from_env."


class Connection(SavedConnection):
    """The validated credentials, region and hosts of one workspace; frozen.

    `load` and `from_env` make one; the constructor raises `TypeError`. Keys show as `***` in repr,
    str, dumps and copies, and pickling is refused. Two connections are equal if all their fields
    are. `region` is None if no field names it; then only Customer.io knows it.
    """

    _whole: Secret[SavedConnection] = PrivateAttr()

    def __init__(self, *given: object, **fields: object) -> None:
        del given, fields
        raise TypeError(_HOW_TO_MAKE_ONE)

    @classmethod
    def load(cls, saved: Mapping[str, object], *, apis: Collection[Api] = ALL_APIS) -> Connection:
        """Check, trim and normalise a saved connection.

        Args:
            saved: The fields by key. Text may have whitespace at its ends; an optional field may
                be absent, None or blank; `region` may be in any case.
            apis: The APIs that the connection is for. Fields of another API are not checked, and
                only `workspace_key` and `own_hosts` are made from them.

        Raises:
            ConnectionInvalid: Names every bad field, and shows no value.
            ValueError: `apis` is empty.
        """
        sealed = Secret(saved)
        del saved
        return cls._load(sealed, frozenset(apis))

    @classmethod
    def from_env(
        cls, environ: Mapping[str, str] | None = None, *, apis: Collection[Api] = ALL_APIS
    ) -> Connection:
        """Load a connection from environment variables, each named after its field.

        - `CUSTOMERIO_SITE_ID`, `CUSTOMERIO_TRACK_API_KEY`: required for the Track API
        - `CUSTOMERIO_APP_API_KEY`: required for the App API
        - `CUSTOMERIO_WORKSPACE_ID`: required if the App API key is a service account's token
        - `CUSTOMERIO_REGION`, `CUSTOMERIO_TRACK_URL`, `CUSTOMERIO_APP_URL`,
          `CUSTOMERIO_CA_FILE`: optional

        Args:
            environ: The variables; by default those of the process.
            apis: The APIs that the connection is for.

        Raises:
            ConnectionInvalid: Names every wrong variable, and shows no value.
            ValueError: `apis` is empty.
        """
        source = Environment(environ)
        del environ
        names = {key: f"CUSTOMERIO_{key.upper()}" for key in connection_fields()}
        sealed = Secret({k: source[n] for k, n in names.items() if n in source})
        return cls._load(sealed, frozenset(apis), names)

    @classmethod
    def _load(
        cls,
        sealed: Secret[Mapping[str, object]],
        apis: frozenset[Api],
        names: Mapping[str, str] | None = None,
    ) -> Connection:
        if not apis or not apis <= ALL_APIS:
            raise ValueError("apis must hold Api.TRACK, Api.APP or both.")
        checked, whole, problems = _examine(sealed, apis, names or {})
        if problems:
            raise _invalid(problems, names or {}) from None
        made = cast("Connection", super().model_construct(**checked.reveal()))
        made._whole = whole  # noqa: SLF001 - a class method may set its own
        return made

    @classmethod
    def model_construct(cls, _fields_set: object = None, **values: object) -> NoReturn:  # type: ignore[override]  # refused
        """Raise `TypeError`: pydantic's constructor without validation would skip every check."""
        del values
        raise TypeError(_HOW_TO_MAKE_ONE)

    def model_copy(
        self, *, update: Mapping[str, Any] | None = None, deep: bool = False
    ) -> Connection:
        """Return the connection itself, as it is immutable; an update raises `TypeError`."""
        is_changed = bool(update)
        del update, deep
        return type(self)() if is_changed else self

    def __copy__(self) -> Connection:
        return self

    def __deepcopy__(self, memo: object = None) -> Connection:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(
            "A connection is not pickled, since it holds keys; load it where it is used."
        )

    @property
    def apis(self) -> frozenset[Api]:
        """The APIs whose credentials the connection has."""
        held = {Api.TRACK: self.site_id and self.track_api_key, Api.APP: self.app_api_key}
        return frozenset(api for api, credentials in held.items() if credentials is not None)

    def authorization(self, api: Api) -> str:
        """Return the `Authorization` header: `Basic ...` for Track, `Bearer ...` for App.

        Raises:
            ConnectionInvalid: The connection has no credentials of that API; names the fields.
        """
        if api not in self.apis:
            raise _invalid(
                {
                    key: Problem(
                        "is not part of this connection",
                        f"load a connection for that API: {field.fix}",
                    )
                    for key, field in connection_fields().items()
                    if is_needed(field, {api})
                },
                {},
            )
        return f"Basic {self._pair()}" if api is Api.TRACK else f"Bearer {_text(self.app_api_key)}"

    def headers(self, api: Api) -> dict[str, str]:
        """Return the credentials of an API, with the workspace where a service account calls.

        Raises:
            ConnectionInvalid: As `authorization` does.
        """
        workspace = self.workspace_id if api is Api.APP else None
        named = {"X-Workspace-Id": workspace} if workspace else {}
        return {"Authorization": self.authorization(api), **named}

    def _pair(self) -> str:
        return base64.b64encode(f"{self.site_id}:{_text(self.track_api_key)}".encode()).decode()

    def has_own_host(self, api: Api) -> bool:
        """Whether the operator set the host of an API; then the region does not matter for it."""
        return self._own_host(api) is not None

    def _own_host(self, api: Api) -> str | None:
        return self.track_url if api is Api.TRACK else self.app_url

    def base_url(self, api: Api, region: Region) -> str:
        """Return the origin of an API without a final slash: the operator's, else the region's."""
        return self._own_host(api) or HOSTS[api][region]

    def origins(self) -> frozenset[str]:
        """Return every origin that `base_url` can return; no other host receives a key."""
        return frozenset(self.base_url(api, region) for api in self.apis for region in REGIONS)

    @property
    def workspace_key(self) -> str:
        """The digest of the workspace, 16 hex digits: of the site id, else of the App API key.

        It is the same for all connections with that site id; other fields do not change it, nor
        which APIs a connection is for. So give the site id also where only the App API is used:
        without it, connections share a ledger only if they have the same App API key, or name the
        same workspace of a service account.
        """
        whole = self._whole.reveal()
        alone = whole.workspace_id or _text(whole.app_api_key)
        return _digest("workspace", whole.site_id or alone, size=8)

    @property
    def own_hosts(self) -> tuple[str, ...]:
        """The operator's own hosts, of whichever APIs the connection is for.

        Customer.io's hosts are not among them, also where a field spells one out.
        """
        given = (self._whole.reveal().track_url, self._whole.reveal().app_url)
        own = [host if host and not is_vendor(host) else "" for host in given]
        return tuple(own) if any(own) else ()

    @property
    def digest(self) -> str:
        """The digest of all fields, keys included, 32 hex digits."""
        values = [v.reveal() if isinstance(v, Secret) else v for _, v in self]
        return _digest("connection", json.dumps(values), size=16)


def _text(secret: Secret[str] | None) -> str:
    return secret.reveal() if secret else ""


def _digest(purpose: str, text: str, *, size: int) -> str:
    return hashlib.blake2b(text.encode(), digest_size=size, person=purpose.encode()).hexdigest()


def _examine(
    sealed: Secret[Mapping[str, object]], apis: frozenset[Api], names: Mapping[str, str]
) -> tuple[Secret[dict[str, Any]], Secret[SavedConnection], dict[str, Problem]]:
    """Return the fields as they are stored, those of all APIs, and one problem for a field."""
    if not isinstance(sealed.reveal(), Mapping):
        fix = "give what was saved, field by field, as a dict"
        problem = {"connection": Problem("is not a mapping", fix)}
        return Secret({}), Secret(SavedConnection()), problem
    other = {k for k, f in connection_fields().items() if f.api and f.api not in apis}
    given = Secret(dict(sealed.reveal()))
    entries = Secret({k: v for k, v in given.reveal().items() if k not in other})
    shape = dict(_shape_problems(entries, apis))
    sound = connection_fields().keys() - shape.keys()
    saved, content = _normalised({k: v for k, v in entries.reveal().items() if k in sound})
    regions, disagreements = _regions(saved, names)
    values = Secret({**dict(saved), "region": next(iter(regions), None)})
    whole, _ = _normalised({k: v for k, v in given.reveal().items() if k in _OF_WORKSPACE})
    halves = _halves(saved, content.keys() | shape.keys(), names)
    doubles = dict(_duplicates(saved, names))
    problems = {**disagreements, **doubles, **halves, **content, **shape}
    return values, Secret(whole), problems


_OF_WORKSPACE = ("site_id", "app_api_key", "workspace_id", "track_url", "app_url")
"""The fields that say which workspace a connection is of, and where it is."""


@cache
def _shape_validator(apis: frozenset[Api]) -> Draft202012Validator:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(connection_schema(apis))


def _shape_problems(
    entries: Secret[dict[str, object]], apis: frozenset[Api]
) -> Iterator[tuple[str, Problem]]:
    """Check against the schema; the text of a schema error is not used, as it holds the value.

    The validator only explains: it costs a start more than all else that a connection needs.
    """
    if fits_schema(entries.reveal(), apis):
        return
    for error in _shape_validator(apis).iter_errors(entries.reveal()):
        if error.validator == "required":
            absent = [key for key in error.validator_value if key not in entries.reveal()]
            yield from ((key, Problem("is missing")) for key in absent)
        elif error.validator == "additionalProperties":
            yield from _unknown_fields(entries)
        else:
            key = str(error.path[0])
            yield key, Problem(_shape_problem(key, error.validator, is_null=error.instance is None))


def _shape_problem(key: str, keyword: str, *, is_null: bool) -> str:
    if keyword == "type":
        return "is missing" if is_null else "is not text"
    return "is neither us nor eu" if connection_fields()[key].options else "is empty"


_POLICY_FIX = "give all that was saved to CustomerIoTool, which reads it"


def _unknown_fields(entries: Secret[dict[str, object]]) -> Iterator[tuple[str, Problem]]:
    """Return a problem for each unknown key; one that may be a pasted value is not named."""
    known = list(connection_fields())
    texts = [text for text in entries.reveal().values() if isinstance(text, str)]
    for key in entries.reveal().keys() - set(known):
        name = key if isinstance(key, str) else ""
        near = meant(name, known)
        # No digits: an API key has some, a field's name has none.
        is_name = re.fullmatch(r"[A-Za-z_]{1,40}", name)
        is_shown = is_name and not any(name in text for text in texts)
        hint = f"use {near}" if near else f"use only {', '.join(known)}"
        hint = _POLICY_FIX if name in ("policy", "lookups") else hint
        field = name if is_shown else "an unknown field"
        yield field, Problem("is not a field of a connection", hint)


def _normalised(entries: dict[str, object]) -> tuple[SavedConnection, dict[str, Problem]]:
    """Return the valid fields, trimmed, and the problems of the others.

    Pydantic would build a validator of the class first, which costs a start more than the fields.
    """
    values: dict[str, Any] = {}
    problems: dict[str, Problem] = {}
    for key, value in entries.items():
        try:
            values[key] = connection_fields()[key].read(value)
        except Problem as problem:  # noqa: PERF203 - each field has its own
            problems[key] = problem.with_traceback(None)  # its frames hold the value
    return SavedConnection.model_construct(**values), problems


def _regions(
    saved: SavedConnection, names: Mapping[str, str]
) -> tuple[list[Region], dict[str, Problem]]:
    """Return the regions that the fields name, and the fields that contradict the first one."""
    by_field: dict[str, Region | None] = {
        "region": saved.region,
        "track_url": REGION_OF.get(saved.track_url or ""),
        "app_url": REGION_OF.get(saved.app_url or ""),
    }
    named = {key: region for key, region in by_field.items() if region}
    first = next(iter(named), "")
    problem = f"names another region than {names.get(first, first)}"
    problems = {
        key: Problem(problem, "make the two agree, or leave one out")
        for key, region in named.items()
        if region != named[first]
    }
    return list(named.values()), problems


def _halves(
    saved: SavedConnection, refused: Collection[str], names: Mapping[str, str]
) -> dict[str, Problem]:
    """Return the problem of a service account's token without a workspace, or of one without it."""
    if {"app_api_key", "workspace_id"} & set(refused):
        return {}
    is_token = _text(saved.app_api_key).startswith(SERVICE_ACCOUNT)
    key = names.get("app_api_key", "app_api_key")
    if is_token and saved.workspace_id is None:
        fix = "give the number of the workspace that it is for"
        return {"workspace_id": Problem(f"is missing, as {key} is a service account's token", fix)}
    if saved.workspace_id is not None and not is_token:
        problem = f"goes only with a service account's token (sa_live_...) as {key}"
        return {"workspace_id": Problem(problem, "leave it out, or give that token")}
    return {}


def _duplicates(saved: SavedConnection, names: Mapping[str, str]) -> Iterator[tuple[str, Problem]]:
    keys = {
        "site_id": Secret(saved.site_id or ""),
        "track_api_key": saved.track_api_key,
        "app_api_key": saved.app_api_key,
    }
    given = {key: secret for key, secret in keys.items() if secret and secret.reveal()}
    for key, secret in given.items():
        fix = f"the three differ: {connection_fields()[key].fix}"
        for twin in (k for k, other in given.items() if k != key and other == secret):
            yield key, Problem(f"is the same text as {names.get(twin, twin)}", fix)


def _invalid(problems: Mapping[str, Problem], names: Mapping[str, str]) -> ConnectionInvalid:
    """Return the error; `names` maps a field to its environment variable, if it came from one."""
    order = [*connection_fields(), *sorted(problems.keys() - connection_fields().keys())]
    fields = [_field(key, problems[key], names) for key in order if key in problems]
    sentences = " ".join(f"{field}." for field in fields)
    return ConnectionInvalid(f"The connection cannot be used. {sentences}", fields=fields)


def _field(key: str, problem: Problem, names: Mapping[str, str]) -> FieldProblem:
    declared = connection_fields().get(key)
    whole = problem.of(names.get(key, key))
    return replace(whole, fix=declared.fix) if declared and not whole.fix else whole
