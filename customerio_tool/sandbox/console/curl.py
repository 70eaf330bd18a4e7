"""A request of the log as a curl command. Its keys are variables: no key is in it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from urllib.parse import urlencode

from ..options import Options
from ..store.store import Row
from .rendering import UNSEEN

_TRACK = '-u "$CUSTOMERIO_SITE_ID:$CUSTOMERIO_TRACK_API_KEY"'
_APP = '-H "Authorization: Bearer $CUSTOMERIO_APP_API_KEY"'


def command(entry: Row, origin: str, ca_file: str | None) -> str | None:
    """The command; ``None`` when the log does not hold the body as it came."""
    body = entry["body"]
    if len(body.encode()) != entry["body_bytes"] or "\0" in body:
        return None
    query = json.loads(entry["query"])
    url = origin + entry["path"] + (f"?{urlencode(query)}" if query else "")
    method = "-I" if entry["method"] == "HEAD" else f"-X {_quoted(entry['method'])}"
    parts = [f"curl -g --path-as-is {method} {_quoted(url)}"]
    parts.append(_TRACK if entry["api"] == "track" else _APP)
    if ca_file is not None:
        parts.append(f"--cacert {_quoted(ca_file)}")
    if body:
        parts += ["-H 'Content-Type: application/json'", f"--data-raw {_quoted(body)}"]
    return " \\\n  ".join(parts)


def first(connection: Mapping[str, str | None]) -> str:
    """A command that creates a person: a first request. Keys of one's own are variables."""
    pair = f"{connection['site_id']}:{connection['track_api_key']}"
    is_known = connection["track_api_key"] == Options.track_api_key
    parts = [f"curl -X PUT {connection['track_url']}/api/v1/customers/ada"]
    parts.append(f"-u {_quoted(pair)}" if is_known else _TRACK)
    if ca_file := connection["ca_file"]:
        parts.append(f"--cacert {_quoted(ca_file)}")
    parts += ["-H 'Content-Type: application/json'", """-d '{"email": "ada@example.com"}'"""]
    return " \\\n  ".join(parts)


def _quoted(text: str) -> str:
    """A word of a shell; invisible characters by number, in the quotes of bash and zsh."""
    if UNSEEN.search(text) is None:
        return shlex.quote(text)
    plain = text.replace("\\", "\\\\").replace("'", "\\'")
    return "$'" + UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", plain) + "'"
