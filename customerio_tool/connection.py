"""Credentials, region and hosts of a connection: what they must be, and what is wrong with them.

`SavedConnection` declares the fields, each with a `ConnectionField`; the JSON Schema, the form
of the manifest and the names of the environment variables are all read from there.

A value never reaches a message, and the frames of this module hold the saved values only inside
a `Secret`, so that a traceback printed with its locals does not show them either. The caller's
own frame, and a mapping that fails while it is read, are the caller's.
"""

from __future__ import annotations

import base64
import difflib
import hashlib
import ipaddress
import json
import os
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache, partial
from pathlib import Path
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Generic,
    Literal,
    NamedTuple,
    NoReturn,
    TypeAlias,
    TypeVar,
    cast,
    get_args,
)
from urllib.parse import quote

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError, core_schema

from customerio_tool.errors import ConnectionInvalid, FieldProblem

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

T_co = TypeVar("T_co", covariant=True)

Region: TypeAlias = Literal["us", "eu"]
REGIONS: tuple[Region, ...] = get_args(Region)


class Api(Enum):
    """The two APIs of Customer.io, each with its own host and its own credentials."""

    TRACK = "track"
    APP = "app"


ALL_APIS = frozenset(Api)

_VENDOR: Mapping[Api, Mapping[Region, str]] = {
    Api.TRACK: {"us": "https://track.customer.io", "eu": "https://track-eu.customer.io"},
    Api.APP: {"us": "https://api.customer.io", "eu": "https://api-eu.customer.io"},
}
_REGION_OF: Mapping[str, Region] = {
    origin: region for hosts in _VENDOR.values() for region, origin in hosts.items()
}


class Secret(Generic[T_co]):
    """A value that shows as `***` wherever Python prints, copies or dumps it; `reveal` gives it.

    pydantic's own `Secret` keeps the value in `__dict__`, prints another mask and can be pickled.
    """

    __slots__ = ("_value",)

    def __init__(self, value: T_co) -> None:
        self._value = value

    def reveal(self) -> T_co:
        """Return the value itself."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    def __format__(self, spec: str) -> str:
        return format("***", spec)

    def __eq__(self, other: object) -> bool:
        return self._value == other._value if isinstance(other, Secret) else NotImplemented

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __copy__(self) -> Secret[T_co]:
        return self

    def __deepcopy__(self, memo: object) -> Secret[T_co]:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("A secret is not pickled; load the connection where it is used.")

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: object, handler: object
    ) -> core_schema.CoreSchema:
        """Let pydantic wrap what it is given, and dump the mask."""
        return core_schema.no_info_plain_validator_function(
            cls,
            serialization=core_schema.plain_serializer_function_ser_schema(
                str, return_schema=core_schema.str_schema()
            ),
        )


@dataclass(frozen=True, kw_only=True)
class ConnectionField:
    """What is declared about one field of a connection.

    Args:
        label: Its name in the form.
        help: What it is and where it is found; stands alone.
        right: What to do when it is wrong, as an instruction.
        api: The API whose calls need it, or None where both use it.
        secret: Whether a form hides what is typed.
        operator: Whether it is for operators only, and so not in the form.
        options: The values to choose from.
        pattern: What JSON Schema can check of it; Python and ECMAScript read it alike.
        help_url: A page that says more.
    """

    label: str
    help: str
    right: str
    api: Api | None = None
    secret: bool = False
    operator: bool = False
    options: tuple[str, ...] = ()
    pattern: str | None = None
    help_url: str = "https://fly.customer.io/settings/api_credentials"

    @property
    def required(self) -> bool:
        """Whether the studio's form insists on it."""
        return self.api is not None and not self.operator

    def as_form(self, key: str) -> dict[str, Any]:
        """Return the entry of the manifest's `connection.fields`."""
        entry: dict[str, Any] = {
            "key": key,
            "type": "enum" if self.options else "string",
            "label": self.label,
            "required": self.required,
            "secret": self.secret,
            "placeholder": f"Enter {self.label}",
            "help": self.help,
            "help_url": self.help_url,
        }
        if self.options:
            entry["options"] = [{"value": v, "label": v.upper()} for v in self.options]
        return entry

    def as_schema(self, *, required: bool) -> dict[str, Any]:
        """Return the JSON Schema of the field as it may be saved, before trimming."""
        schema: dict[str, Any] = {
            "type": "string" if required else ["string", "null"],
            "title": self.label,
            "description": self.help,
        }
        if pattern := self.pattern or (r"\S" if required else None):
            schema["pattern"] = pattern
        return {**schema, "writeOnly": True} if self.secret else schema


class _Flaw(NamedTuple):
    """A rule that a field breaks; `other` is the field it disagrees with, or a hint. No value."""

    rule: str
    other: str = ""


# rule: (what was wrong, what would be right; "" where the field itself says that best)
_RULES: Mapping[str, tuple[str, str]] = {
    "not_mapping": ("is not a mapping", "give what was saved, field by field, as a dict"),
    "not_loaded": ("is not part of this connection", "load a connection for that API: {right}"),
    "missing": ("is missing", ""),
    "empty": ("is empty", ""),
    "not_text": ("is not text", ""),
    "string_unicode": ("is not valid Unicode text", ""),  # pydantic's own rule
    "unknown": ("is not a field of a connection", "{other}"),
    "scheme": (
        "starts with an authorization scheme",
        "give the key alone, without Bearer or Basic",
    ),
    "not_ascii": ("holds a character outside ASCII, perhaps an invisible one copied along", ""),
    "control": ("holds a control character", ""),
    "space": ("holds whitespace in the middle", ""),
    "quoted": ("stands in quotation marks", "give it without the quotation marks"),
    "mask": ("is a mask of asterisks in place of the value", ""),
    "web_address": ("is a web address", ""),
    "email": ("is an email address", ""),
    "colon": ("holds a colon, as the site id and the key joined do", ""),
    "same": ("is the same text as {other}", "the three differ: {right}"),
    "region": ("is neither us nor eu", ""),
    "url_form": ("is not just http or https, a host and a port", ""),
    "url_plain": ("would send the credentials to Customer.io unencrypted", ""),
    "url_port": ("gives Customer.io's host a port", ""),
    "url_api": ("names a host of the other API", ""),
    "url_localhost": (
        "names localhost, which may resolve to any machine",
        "give 127.0.0.1 or [::1]",
    ),
    "url_foreign": ("names a host that is neither Customer.io's nor this machine's", ""),
    "url_region": ("names another region than {other}", "make the two agree, or leave one out"),
    "file": ("is not a file that can be read", ""),
    "not_pem": ("is a file without a PEM certificate", ""),
}


def _break(rule: str) -> NoReturn:
    raise PydanticCustomError(rule, "broken")


_KEY_RULES: Mapping[str, re.Pattern[str]] = {
    "scheme": re.compile(r"(?:authorization|bearer|basic)(?:[\s:]|$)", re.IGNORECASE),
    "not_ascii": re.compile(r".*[^\x00-\x7f]", re.DOTALL),
    "space": re.compile(r".*\s", re.DOTALL),
    "control": re.compile(r".*[\x00-\x1f\x7f]", re.DOTALL),
    "quoted": re.compile(r"([\"'`]).*\1$"),
    "mask": re.compile(r"\*+$"),
    "web_address": re.compile(r".*://"),
    "email": re.compile(r"[^@]+@[^@]+\.[^@]+$"),
}


def _trimmed(value: object) -> str | None:
    """Return text without its edges, or None where nothing is left."""
    if value is None:
        return None
    if not isinstance(value, str):
        _break("not_text")
    return value.strip() or None


def _key(value: object) -> str | None:
    text = _trimmed(value)
    if text is not None:
        for rule, pattern in _KEY_RULES.items():
            if pattern.match(text):
                _break(rule)
    return text


def _site_id(value: object) -> str | None:
    text = _key(value)
    # In Basic credentials a colon ends the user name (RFC 7617, section 2).
    if text and ":" in text:
        _break("colon")
    return text


def _region(value: object) -> str | None:
    text = _trimmed(value)
    return text.lower() if text else None  # the schema's pattern has refused all but us and eu


_URL = re.compile(r"(https?)://([a-z0-9.-]+|\[[0-9a-f:]+\])(?::([0-9]{1,5}))?")


def _url(api: Api, value: object) -> str | None:
    """Return an origin that may be given credentials: `https://host` or `http://127.0.0.1:8025`."""
    text = _trimmed(value)
    if text is None:
        return None
    url = text.lower().removesuffix("/")
    found = _URL.fullmatch(url) if text.isascii() else None
    if not found or not 0 < int(found[3] or 1) <= _HIGHEST_PORT:
        _break("url_form")
    if url in _VENDOR[api].values() or _is_loopback(found[2]):
        return url
    _break(_why_not(api, found[2], found[3]))


_HIGHEST_PORT = 65_535


def _why_not(api: Api, host: str, port: str | None) -> str:
    """Return the rule that keeps credentials from a well-formed URL."""
    if host == "localhost":
        return "url_localhost"
    if f"https://{host}" not in _REGION_OF:
        return "url_foreign"
    if f"https://{host}" not in _VENDOR[api].values():
        return "url_api"
    return "url_port" if port else "url_plain"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.IPv4Address(host).is_loopback
    except ValueError:
        return host == "[::1]"


def _readable_pem(value: object) -> str | None:
    text = _trimmed(value)
    if text is None:
        return None
    try:
        pem = Path(text).read_bytes() if Path(text).is_file() else None
    except (OSError, ValueError):
        pem = None
    if pem is None:
        _break("file")
    if not _CERTIFICATE.search(pem):
        _break("not_pem")
    return text


_CERTIFICATE = re.compile(rb"-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----")


_HOW_TO_MAKE_ONE = "A connection is made by Connection.load or Connection.from_env."
_FROM_SETTINGS = "from Settings > Account Settings > API Credentials in Customer.io"


def _url_field(api: Api) -> ConnectionField:
    name = api.value.capitalize()
    vendor = " or ".join(_VENDOR[api].values())
    return ConnectionField(
        label=f"{name} API URL",
        help=f"For operators: where the {name} API is, instead of the region's own host. Only "
        f"{vendor}, or http or https on 127.0.0.1 or [::1] with any port.",
        right=f"leave it out, or give {vendor}, or an address on 127.0.0.1 or [::1]",
        api=api,
        operator=True,
        help_url="https://docs.customer.io/api?api=journeys",
    )


class SavedConnection(BaseModel):
    """The fields as declared; each may be absent, since a connection may be for one API."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    site_id: Annotated[
        str | None,
        BeforeValidator(_site_id),
        ConnectionField(
            label="Track API Site ID",
            help="The site id that belongs to your Track API key: it names the workspace. In "
            "Customer.io: Settings > Account Settings > API Credentials > Track API Keys.",
            right=f"copy the Site ID {_FROM_SETTINGS}",
            api=Api.TRACK,
        ),
    ] = None
    track_api_key: Annotated[
        Secret[str] | None,
        BeforeValidator(_key),
        ConnectionField(
            label="Track API Key",
            help="The key, next to the site id, that lets people, events and devices be written. "
            "In Customer.io: Settings > Account Settings > API Credentials > Track API Keys.",
            right=f"copy the Track API key {_FROM_SETTINGS}",
            api=Api.TRACK,
            secret=True,
        ),
    ] = None
    app_api_key: Annotated[
        Secret[str] | None,
        BeforeValidator(_key),
        ConnectionField(
            label="App API Key",
            help="The key that lets data be read and messages be sent; Customer.io shows it once, "
            "when it is created. In Customer.io: Settings > Account Settings > API Credentials > "
            "App API Keys. Choose the same workspace as for the Track API key.",
            right=f"create or copy an App API key {_FROM_SETTINGS}",
            api=Api.APP,
            secret=True,
            help_url="https://fly.customer.io/settings/api_credentials?keyType=app",
        ),
    ] = None
    region: Annotated[
        Region | None,
        BeforeValidator(_region),
        ConnectionField(
            label="Region",
            help="Where your Customer.io account keeps its data: us or eu. Left blank, Customer.io "
            "is asked on the first call.",
            right="leave it blank, or give us or eu",
            options=REGIONS,
            pattern=r"^\s*([Uu][Ss]|[Ee][Uu])?\s*$",
            help_url="https://docs.customer.io/api/track/",
        ),
    ] = None
    track_url: Annotated[
        str | None, BeforeValidator(partial(_url, Api.TRACK)), _url_field(Api.TRACK)
    ] = None
    app_url: Annotated[str | None, BeforeValidator(partial(_url, Api.APP)), _url_field(Api.APP)] = (
        None
    )
    ca_file: Annotated[
        str | None,
        BeforeValidator(_readable_pem),
        ConnectionField(
            label="CA File",
            help="For operators: the path of a PEM file with the certificates to trust, instead of "
            "the usual ones.",
            right="leave it out, or give the path of a PEM file that this process may read",
            operator=True,
            help_url="https://requests.readthedocs.io/en/latest/user/advanced/#ssl-cert-verification",
        ),
    ] = Field(default=None, repr=False)


@cache
def connection_fields() -> Mapping[str, ConnectionField]:
    """Return what is declared about each field, by key, in the order of the form."""
    return {
        key: next(part for part in info.metadata if isinstance(part, ConnectionField))
        for key, info in SavedConnection.model_fields.items()
    }


def connection_schema(apis: Collection[Api] = ALL_APIS) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a saved connection that can call these APIs."""
    required = [key for key, field in connection_fields().items() if _is_needed(field, apis)]
    return {
        "type": "object",
        "properties": {
            key: field.as_schema(required=key in required)
            for key, field in connection_fields().items()
        },
        "required": required,
        "additionalProperties": False,
    }


def _is_needed(field: ConnectionField, apis: Collection[Api]) -> bool:
    return field.required and field.api in apis


class Connection(SavedConnection):
    """The credentials, region and hosts of one workspace, checked; `load` is the only constructor.

    Frozen. Keys show as `***` in repr, str, dumps and copies; pickling is refused. Two connections
    are equal when all their fields are. `region` is None where only Customer.io knows it.
    """

    def __init__(self, *given: object, **fields: object) -> None:
        del given, fields
        raise TypeError(_HOW_TO_MAKE_ONE)

    @classmethod
    def load(cls, saved: Mapping[str, object], *, apis: Collection[Api] = ALL_APIS) -> Connection:
        """Check, trim and normalise a saved connection.

        Args:
            saved: The fields by key. Text may have whitespace at its edges; an optional field may
                be absent, None or blank; `region` may be in any case.
            apis: The APIs that the connection is for. What belongs to another one is neither
                checked nor kept.

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
        """Load from `CUSTOMERIO_SITE_ID` and its like: `CUSTOMERIO_` and a field's key in capitals.

        Args:
            environ: Where to read, in place of the process's environment.
            apis: The APIs that the connection is for.

        Raises:
            ConnectionInvalid: Names every variable that is wrong, and shows no value.
            ValueError: `apis` is empty.
        """
        source = Secret(os.environ if environ is None else environ)
        del environ
        names = {key: f"CUSTOMERIO_{key.upper()}" for key in connection_fields()}
        sealed = Secret({k: source.reveal()[n] for k, n in names.items() if n in source.reveal()})
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
        checked, flaws = _examine(sealed, apis)
        if flaws:
            raise _invalid(flaws, names or {}) from None
        return cast("Connection", super().model_construct(**checked.reveal()))

    @classmethod
    def model_construct(cls, _fields_set: object = None, **values: object) -> NoReturn:  # type: ignore[override]  # refused
        """Refuse: it would skip every check."""
        del values
        raise TypeError(_HOW_TO_MAKE_ONE)

    def model_copy(
        self, *, update: Mapping[str, Any] | None = None, deep: bool = False
    ) -> Connection:
        """Return the connection itself, which never changes; an update is refused."""
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
        """The APIs that it has the credentials of."""
        held = {Api.TRACK: self.site_id and self.track_api_key, Api.APP: self.app_api_key}
        return frozenset(api for api, credentials in held.items() if credentials is not None)

    def authorization(self, api: Api) -> str:
        """Return the `Authorization` header: `Basic ...` for Track, `Bearer ...` for App.

        Raises:
            ConnectionInvalid: The connection was loaded without that API; names the fields.
        """
        if api not in self.apis:
            fields = connection_fields().items()
            flaws = {key: _Flaw("not_loaded") for key, field in fields if _is_needed(field, {api})}
            raise _invalid(flaws, {})
        return f"Basic {self._pair()}" if api is Api.TRACK else f"Bearer {_text(self.app_api_key)}"

    def _pair(self) -> str:
        return base64.b64encode(f"{self.site_id}:{_text(self.track_api_key)}".encode()).decode()

    def has_own_host(self, api: Api) -> bool:
        """Whether the operator set the host of an API, so that the region does not matter to it."""
        return self._own_host(api) is not None

    def _own_host(self, api: Api) -> str | None:
        return self.track_url if api is Api.TRACK else self.app_url

    def base_url(self, api: Api, region: Region) -> str:
        """Return the origin of an API, no slash at its end: the operator's, else the region's."""
        return self._own_host(api) or _VENDOR[api][region]

    def origins(self) -> frozenset[str]:
        """Return every origin that `base_url` can give: the only ones that may see a key."""
        return frozenset(self.base_url(api, region) for api in self.apis for region in REGIONS)

    def mask(self, data: bytes) -> bytes:
        """Return bytes, such as a reply, with each key put as `***`, however it is encoded.

        A key of under 8 characters is left: no real one is that short; it would match by chance.
        """
        texts = [secret.reveal() for secret in (self.track_api_key, self.app_api_key) if secret]
        if Api.TRACK in self.apis:
            texts.append(self._pair())
        spellings = {f(t) for t in texts for f in (str, _in_json, partial(quote, safe=""))}
        for spelling in sorted(spellings, key=len, reverse=True):
            if len(spelling) >= _SHORTEST_MASKED:
                data = data.replace(spelling.encode(), b"***")
        return data

    @property
    def workspace_key(self) -> str:
        """16 hex digits that stand for the workspace: of the site id, else of the App key.

        The same for every connection with that site id, whatever its keys, region and hosts.
        """
        return _digest("workspace", self.site_id or _text(self.app_api_key), size=8)

    @property
    def digest(self) -> str:
        """32 hex digits that stand for all the fields, keys included; equal when they are."""
        values = [v.reveal() if isinstance(v, Secret) else v for _, v in self]
        return _digest("connection", json.dumps(values), size=16)


_SHORTEST_MASKED = 8


def _text(secret: Secret[str] | None) -> str:
    return secret.reveal() if secret else ""


def _in_json(text: str) -> str:
    return json.dumps(text)[1:-1]


def _digest(purpose: str, text: str, *, size: int) -> str:
    return hashlib.blake2b(text.encode(), digest_size=size, person=purpose.encode()).hexdigest()


def _examine(
    sealed: Secret[Mapping[str, object]], apis: frozenset[Api]
) -> tuple[Secret[dict[str, Any]], dict[str, _Flaw]]:
    """Return the fields as they are kept, and what is wrong with which; one flaw for each."""
    if not isinstance(sealed.reveal(), Mapping):
        return Secret({}), {"connection": _Flaw("not_mapping")}
    other = {k for k, f in connection_fields().items() if f.api and f.api not in apis}
    entries = Secret({k: v for k, v in dict(sealed.reveal()).items() if k not in other})
    shape = dict(_shape_flaws(entries, apis))
    sound = connection_fields().keys() - shape.keys()
    saved, content = _normalised({k: v for k, v in entries.reveal().items() if k in sound})
    regions, disagreements = _regions(saved)
    values = Secret({**dict(saved), "region": next(iter(regions), None)})
    return values, {**disagreements, **dict(_same_flaws(saved)), **content, **shape}


@cache
def _shape_validator(apis: frozenset[Api]) -> Draft202012Validator:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(connection_schema(apis))


def _shape_flaws(
    entries: Secret[dict[str, object]], apis: frozenset[Api]
) -> Iterator[tuple[str, _Flaw]]:
    """Check against the schema; only the rule and the key of an error are read, never its text."""
    for error in _shape_validator(apis).iter_errors(entries.reveal()):
        if error.validator == "required":
            absent = [key for key in error.validator_value if key not in entries.reveal()]
            yield from ((key, _Flaw("missing")) for key in absent)
        elif error.validator == "additionalProperties":
            yield from _unknown(entries)
        else:
            key = str(error.path[0])
            yield key, _Flaw(_shape_rule(key, error.validator, is_null=error.instance is None))


def _shape_rule(key: str, keyword: str, *, is_null: bool) -> str:
    if keyword == "type":
        return "missing" if is_null else "not_text"
    return "region" if connection_fields()[key].options else "empty"


def _unknown(entries: Secret[dict[str, object]]) -> Iterator[tuple[str, _Flaw]]:
    """Name the unknown keys, except where one may be a value pasted in the wrong place."""
    known = list(connection_fields())
    texts = [text for text in entries.reveal().values() if isinstance(text, str)]
    for key in entries.reveal().keys() - set(known):
        name = key if isinstance(key, str) else ""
        snake = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
        near = difflib.get_close_matches(snake, known, n=1)
        # A digit is likelier in a pasted key than in a name.
        is_name = re.fullmatch(r"[A-Za-z0-9_]{1,40}" if near else r"[A-Za-z_]{1,40}", name)
        is_shown = is_name and not any(name in text for text in texts)
        hint = f"use {near[0]}" if near else f"use only {', '.join(known)}"
        yield name if is_shown else "an unknown field", _Flaw("unknown", hint)


def _normalised(entries: dict[str, object]) -> tuple[SavedConnection, dict[str, _Flaw]]:
    """Return the good fields, trimmed, and what is wrong with the others."""
    try:
        return SavedConnection.model_validate(entries), {}
    except ValidationError as invalid:
        errors = invalid.errors(include_url=False, include_context=False, include_input=False)
    flaws = {str(error["loc"][0]): _Flaw(error["type"]) for error in errors}
    good = {key: value for key, value in entries.items() if key not in flaws}
    return SavedConnection.model_validate(good), flaws


def _regions(saved: SavedConnection) -> tuple[list[Region], dict[str, _Flaw]]:
    """Return the regions that fields name, and those fields that contradict the first of them."""
    named: dict[str, Region | None] = {
        "region": saved.region,
        "track_url": _REGION_OF.get(saved.track_url or ""),
        "app_url": _REGION_OF.get(saved.app_url or ""),
    }
    told = {key: region for key, region in named.items() if region}
    first = next(iter(told), "")
    flaws = {k: _Flaw("url_region", first) for k, region in told.items() if region != told[first]}
    return list(told.values()), flaws


def _same_flaws(saved: SavedConnection) -> Iterator[tuple[str, _Flaw]]:
    keys = {
        "site_id": Secret(saved.site_id or ""),
        "track_api_key": saved.track_api_key,
        "app_api_key": saved.app_api_key,
    }
    given = {key: secret for key, secret in keys.items() if secret and secret.reveal()}
    for key, secret in given.items():
        for twin in (k for k, other in given.items() if k != key and other == secret):
            yield key, _Flaw("same", twin)


def _invalid(flaws: Mapping[str, _Flaw], names: Mapping[str, str]) -> ConnectionInvalid:
    """Make the error, from keys and rules alone; `names` says what the reader calls each key."""
    order = [*connection_fields(), *sorted(flaws.keys() - connection_fields().keys())]
    problems = [_problem(key, flaws[key], names) for key in order if key in flaws]
    told = " ".join(f"{problem}." for problem in problems)
    return ConnectionInvalid(f"The connection cannot be used. {told}", fields=problems)


def _problem(key: str, flaw: _Flaw, names: Mapping[str, str]) -> FieldProblem:
    declared = connection_fields().get(key)
    problem, fix = _RULES[flaw.rule]
    words = {
        "other": names.get(flaw.other, flaw.other),
        "right": declared.right if declared else "",
    }
    return FieldProblem(
        names.get(key, key), problem.format(**words), (fix or "{right}").format(**words)
    )
