"""The fields of a saved connection: their declarations, validators and error messages.

`SavedConnection` declares the fields, each with a `ConnectionField`. The JSON Schema, the
manifest's form and the names of environment variables are derived from them. A problem never
contains the value.
"""

# Without `annotations` of `__future__`, with which pydantic compiles each field's at every start.

import ipaddress
import re
from collections.abc import Collection, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, get_args

from pydantic import BaseModel, ConfigDict, Field

from customerio_tool.connection.field import ConnectionField
from customerio_tool.errors import Problem
from customerio_tool.patterns import pattern
from customerio_tool.secret import Secret
from customerio_tool.subtools.declare import Api
from customerio_tool.subtools.declare.characters import CONTROL, RETURN, TAB_AND_LINE_FEED
from customerio_tool.subtools.declare.endpoint import ALL_APIS

Region: TypeAlias = Literal["us", "eu"]
REGIONS: tuple[Region, ...] = get_args(Region)

HOSTS: Mapping[Api, Mapping[Region, str]] = {
    Api.TRACK: {"us": "https://track.customer.io", "eu": "https://track-eu.customer.io"},
    Api.APP: {"us": "https://api.customer.io", "eu": "https://api-eu.customer.io"},
}
"""Customer.io's own origins (https://docs.customer.io/api/track/ and …/app/)."""
REGION_OF: Mapping[str, Region] = {
    origin: region for hosts in HOSTS.values() for region, origin in hosts.items()
}


def is_vendor(origin: str) -> bool:
    """Whether an origin is one of Customer.io's own."""
    return origin in REGION_OF


_SCHEMES = ("authorization", "bearer", "basic")

_KEY_PROBLEMS: Sequence[tuple[str, str, str]] = (
    (
        rf"(?i:{'|'.join(_SCHEMES)})(?:[\s:]|$)",
        "starts with an authorization scheme",
        "give the key alone, without Bearer or Basic",
    ),
    (
        r"(?s).*[^\x00-\x7f]",
        "holds a character outside ASCII, perhaps an invisible one copied along",
        "",
    ),
    (r"(?s).*\s", "holds whitespace in the middle", ""),
    (f"(?s).*[{CONTROL}{RETURN}{TAB_AND_LINE_FEED}]", "holds a control character", ""),
    (r"([\"'`]).*\1$", "stands in quotation marks", "give it without the quotation marks"),
    (r"\*+$", "is a mask of asterisks in place of the value", ""),
    (r".*://", "is a web address", ""),
    (r"[^@]+@[^@]+\.[^@]+$", "is an email address", ""),
)
"""Patterns of texts that cannot be a key; each with its problem and fix, "" for the field's fix."""


def _trimmed(value: object) -> str | None:
    """Return text without whitespace at its ends; None if nothing is left."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise Problem("is not text")
    return value.strip() or None


def _key(value: object) -> str | None:
    text = _trimmed(value)
    if text is not None and not _is_plain(text):
        for pattern, problem, fix in _KEY_PROBLEMS:
            if re.match(pattern, text):
                raise Problem(problem, fix)
    return text


def _is_plain(text: str) -> bool:
    """Whether a glance tells that a text has no problem of a key; eight patterns cost a start."""
    is_word = text.isascii() and text.replace("-", "").replace("_", "").isalnum()
    return is_word and text.lower() not in _SCHEMES


def _site_id(value: object) -> str | None:
    text = _key(value)
    # In Basic credentials a colon ends the user name (RFC 7617, section 2).
    if text and ":" in text:
        raise Problem("holds a colon, as the site id and the key joined do")
    return text


SERVICE_ACCOUNT = "sa_live_"
"""How the token of a service account begins (App specification)."""


def _track_key(value: object) -> str | None:
    text = _key(value)
    if text and text.startswith(SERVICE_ACCOUNT):
        raise Problem("is the token of a service account, which only the App API takes")
    return text


def _app_key(value: object) -> str | None:
    text = _key(value)
    if text == SERVICE_ACCOUNT:
        raise Problem("is only the beginning of a service account's token")
    return text


def _workspace_id(value: object) -> str | None:
    text = _trimmed(str(value) if type(value) is int else value)
    if text is not None and not _WORKSPACE_ID.fullmatch(text):
        raise Problem("is not a workspace's number")
    return text


_WORKSPACE_ID = pattern(r"[1-9][0-9]{0,14}")


def _region(value: object) -> str | None:
    text = _trimmed(value)
    return text.lower() if text else None  # the schema's pattern allows only us and eu


_URL = pattern(r"(https?)://([a-z0-9.-]+|\[[0-9a-f:]+\])(?::([0-9]{1,5}))?")


def _url(api: Api, value: object) -> str | None:
    """Return an origin that may receive credentials: Customer.io's, or a loopback address."""
    text = _trimmed(value)
    if text is None:
        return None
    url = _without_usual_port(text.lower().removesuffix("/"))
    found = _URL.fullmatch(url) if text.isascii() else None
    if not found or not 0 < int(found[3] or 1) <= _HIGHEST_PORT:
        raise Problem("is not just http or https, a host and a port")
    if url in HOSTS[api].values() or _is_loopback(found[2]):
        return url
    raise _url_problem(api, found[2], found[3])


_HIGHEST_PORT = 65_535


def _without_usual_port(url: str) -> str:
    """Return a URL without the port that its scheme implies: the origin is the same."""
    scheme, _, host = url.rpartition("://")
    usual = {"https": ":443", "http": ":80"}.get(scheme)
    return url.removesuffix(usual) if usual and host else url


def _url_problem(api: Api, host: str, port: str | None) -> Problem:
    """Return the reason why a well-formed URL must not receive credentials."""
    if host == "localhost":
        fix = "give 127.0.0.1 or [::1]"
        return Problem("names localhost, which may resolve to any machine", fix)
    if f"https://{host}" not in REGION_OF:
        return Problem("names a host that is neither Customer.io's nor this machine's")
    if f"https://{host}" not in HOSTS[api].values():
        return Problem("names a host of the other API")
    if port:
        return Problem("gives Customer.io's host a port")
    return Problem("would send the credentials to Customer.io unencrypted")


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
        raise Problem("is not a file that can be read")
    if not _CERTIFICATE.search(pem):
        raise Problem("is a file without a PEM certificate")
    return text


_CERTIFICATE = pattern(rb"-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----")


_FROM_SETTINGS = "from Settings > Account Settings > API Credentials in Customer.io"


def _url_field(api: Api) -> ConnectionField:
    name = api.value.capitalize()
    vendor = " or ".join(HOSTS[api].values())
    return ConnectionField(
        trimmed=partial(_url, api),
        label=f"{name} API URL",
        help=f"For operators: where the {name} API is, instead of the region's own host. Only "
        f"{vendor}, or http or https on 127.0.0.1 or [::1] with any port.",
        fix=f"leave it out, or give {vendor}, or an address on 127.0.0.1 or [::1]",
        api=api,
        operator=True,
        help_url="https://docs.customer.io/api?api=journeys",
    )


class SavedConnection(BaseModel):
    """The fields of a connection; each is optional, as a connection may be for one API only.

    Pydantic holds and dumps them, and validates none: `Connection.load` reads each by its
    `ConnectionField`.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True
    )

    site_id: Annotated[
        str | None,
        ConnectionField(
            trimmed=_site_id,
            label="Track API Site ID",
            help="The site id that belongs to your Track API key: it names the workspace. In "
            "Customer.io: Settings > Account Settings > API Credentials > Track API Keys.",
            fix=f"copy the Site ID {_FROM_SETTINGS}",
            api=Api.TRACK,
        ),
    ] = None
    track_api_key: Annotated[
        Secret[str] | None,
        ConnectionField(
            trimmed=_track_key,
            label="Track API Key",
            help="The key, next to the site id, that lets people, events and devices be written. "
            "In Customer.io: Settings > Account Settings > API Credentials > Track API Keys.",
            fix=f"copy the Track API key {_FROM_SETTINGS}",
            api=Api.TRACK,
            secret=True,
        ),
    ] = None
    app_api_key: Annotated[
        Secret[str] | None,
        ConnectionField(
            trimmed=_app_key,
            label="App API Key",
            help="The key that lets data be read and messages be sent; Customer.io shows it once, "
            "when it is created. In Customer.io: Settings > Account Settings > API Credentials > "
            "App API Keys. Choose the same workspace as for the Track API key. A service account's "
            "token (sa_live_...) may stand here, with Workspace ID.",
            fix=f"create or copy an App API key {_FROM_SETTINGS}",
            api=Api.APP,
            secret=True,
            help_url="https://fly.customer.io/settings/api_credentials?keyType=app",
        ),
    ] = None
    region: Annotated[
        Region | None,
        ConnectionField(
            trimmed=_region,
            label="Region",
            help="Where your Customer.io account keeps its data: us or eu. Left blank, Customer.io "
            "is asked on the first call.",
            fix="leave it blank, or give us or eu",
            options=REGIONS,
            pattern=r"^\s*([Uu][Ss]|[Ee][Uu])?\s*$",
            help_url="https://docs.customer.io/api/track/",
        ),
    ] = None
    workspace_id: Annotated[
        str | None,
        ConnectionField(
            trimmed=_workspace_id,
            label="Workspace ID",
            help="Only with a service account's token as App API key: the numeric ID of the "
            "workspace to work in, the same as that of the Track API key.",
            fix="give the workspace's number, such as 100, or leave it out with an App API key",
            api=Api.APP,
            optional=True,
            numeric=True,
            help_url="https://docs.customer.io/integrations/api/app/",
        ),
    ] = None
    track_url: Annotated[str | None, _url_field(Api.TRACK)] = None
    app_url: Annotated[str | None, _url_field(Api.APP)] = None
    ca_file: Annotated[
        str | None,
        ConnectionField(
            trimmed=_readable_pem,
            label="CA File",
            help="For operators: the path of a PEM file with the certificates to trust, instead of "
            "the usual ones.",
            fix="leave it out, or give the path of a PEM file that this process may read",
            operator=True,
            help_url="https://requests.readthedocs.io/en/latest/user/advanced/#ssl-cert-verification",
        ),
    ] = Field(default=None, repr=False)


@cache
def connection_fields() -> Mapping[str, ConnectionField]:
    """Return the declarations of all fields, by key, in the order of the form."""
    return {
        key: next(part for part in info.metadata if isinstance(part, ConnectionField))
        for key, info in SavedConnection.model_fields.items()
    }


def connection_schema(apis: Collection[Api] = ALL_APIS) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a saved connection for these APIs."""
    required = [key for key, field in connection_fields().items() if is_needed(field, apis)]
    return {
        "type": "object",
        "properties": {
            key: field.as_schema(required=key in required)
            for key, field in connection_fields().items()
        },
        "required": required,
        "additionalProperties": False,
    }


def fits_schema(saved: Mapping[str, object], apis: Collection[Api] = ALL_APIS) -> bool:
    """Whether a saved connection is valid by `connection_schema`."""
    declared = connection_fields()
    return (
        saved.keys() <= declared.keys()
        and all(key in saved for key, field in declared.items() if is_needed(field, apis))
        and all(
            declared[key].accepts(value, required=is_needed(declared[key], apis))
            for key, value in saved.items()
        )
    )


def is_needed(field: ConnectionField, apis: Collection[Api]) -> bool:
    """Whether a connection for these APIs must have the field."""
    return field.required and field.api in apis
