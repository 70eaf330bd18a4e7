"""The text that a started sandbox prints: its URLs, its keys, and the code for each SDK."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from urllib.parse import urlsplit

_CONNECTION_NAMES = (
    *("track_url", "app_url"),
    *("site_id", "track_api_key", "app_api_key", "ca_file"),
)
_CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS")


def welcome(ready: Mapping[str, str | None]) -> list[str]:
    """The lines to print. An official client needs those of its own heading, and the CA with TLS.

    Args:
        ready: the result of ``Sandbox.ready``.
    """
    return [
        f"Track API        {ready['track_url']}/api/v1",
        f"App API          {ready['app_url']}/v1",
        f"console          {ready['console_url']}",
        f"site id          {ready['site_id']}",
        f"Track API key    {ready['track_api_key']}",
        f"App API key      {ready['app_api_key']}",
        *_environment(ready),
        *_trust(ready["ca_file"]),
        *_python(ready),
        *_node(ready),
        *_ruby(ready),
        *_go(ready),
    ]


def _environment(ready: Mapping[str, str | None]) -> list[str]:
    """The variables of the connection, for ``customerio-tool``."""
    found = {name: ready[name] for name in _CONNECTION_NAMES}
    given = {f"CUSTOMERIO_{name.upper()}": each for name, each in found.items() if each}
    exports = [f"export {name}={shlex.quote(each)}" for name, each in given.items()]
    return ["", "# a shell: customerio-tool", *exports]


def _trust(ca_file: str | None) -> list[str]:
    """The variables that name a CA to trust: for requests; for httpx, Ruby and Go; for Node."""
    if ca_file is None:
        return []
    exports = [f"export {name}={shlex.quote(ca_file)}" for name in _CA_VARIABLES]
    return ["", "# every client: trust this sandbox", *exports]


def _python(ready: Mapping[str, str | None]) -> list[str]:
    """The code for both Python clients. Their Track clients speak only https."""
    where = urlsplit(ready["track_url"] or "")
    pair, app = f"{ready['site_id']!r}, {ready['track_api_key']!r}", ready["app_url"]
    place = f"host={where.hostname!r}, port={where.port}"
    track = [f"track = CustomerIO({pair}, {place})"]
    async_track = [f"track = AsyncCustomerIO({pair}, {place})"]
    if where.scheme != "https":
        track = async_track = ["# its Track client needs https: start the sandbox with TLS"]
    return [
        "",
        "# Python: customerio",
        "from customerio import APIClient, CustomerIO",
        *track,
        f"app = APIClient({ready['app_api_key']!r}, url={app!r})",
        "",
        "# Python: async-customerio",
        "from async_customerio import AsyncAPIClient, AsyncCustomerIO",
        *async_track,
        f"app = AsyncAPIClient({ready['app_api_key']!r}, url={app!r})",
    ]


def _node(ready: Mapping[str, str | None]) -> list[str]:
    pair = f"{ready['site_id']!r}, {ready['track_api_key']!r}"
    return [
        "",
        "// Node: customerio-node",
        "const { APIClient, TrackClient } = require('customerio-node');",
        f"const track = new TrackClient({pair}, {{ url: '{ready['track_url']}/api/v1' }});",
        f"const app = new APIClient({ready['app_api_key']!r}, {{ url: '{ready['app_url']}/v1' }});",
    ]


def _ruby(ready: Mapping[str, str | None]) -> list[str]:
    pair = f"{ready['site_id']!r}, {ready['track_api_key']!r}"
    return [
        "",
        "# Ruby: customerio",
        "require 'customerio'",
        f"track = Customerio::Client.new({pair}, url: '{ready['track_url']}')",
        f"app = Customerio::APIClient.new({ready['app_api_key']!r}, url: '{ready['app_url']}')",
    ]


def _go(ready: Mapping[str, str | None]) -> list[str]:
    return [
        "",
        "// Go: github.com/customerio/go-customerio/v3",
        f'track := customerio.NewTrackClient("{ready["site_id"]}", "{ready["track_api_key"]}")',
        f'track.URL = "{ready["track_url"]}"',
        f'app := customerio.NewAPIClient("{ready["app_api_key"]}")',
        f'app.URL = "{ready["app_url"]}"',
    ]
