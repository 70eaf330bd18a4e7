"""The page at `/api`: the calls that this server takes, in plain HTML that loads nothing."""

from __future__ import annotations

import json
from html import escape
from typing import Any

from starlette.responses import HTMLResponse

from customerio_tool.subtools import find
from customerio_tool.tool import CustomerIoTool

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;"
    "color-scheme:light dark}table{border-collapse:collapse}td,th{text-align:left;"
    "vertical-align:top;padding:.3rem .8rem .3rem 0;border-bottom:1px solid #8884}"
    "pre{overflow-x:auto;padding:.8rem;background:#8882}"
)
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


def page(tool: CustomerIoTool, url: str) -> HTMLResponse:
    """Return the page.

    Args:
        tool: The tool whose subtools are offered.
        url: The address of the server, without a final slash.
    """
    definitions = tool.definitions()
    rows = "".join(_row(each) for each in definitions)
    text = (
        "<!doctype html><html lang=en><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width'>"
        f"<title>Customer.io: JSON calls</title><style>{_STYLE}</style>"
        "<h1>Customer.io: JSON calls</h1>"
        "<p>Each subtool is one <code>POST</code> with its arguments as a JSON body. "
        "Hosts read <a href='/api/openapi.json'>/api/openapi.json</a>, and send the bearer token "
        "that this server was started with. Every result has <code>ok</code> and "
        "<code>summary</code>, and comes with status 200 also where the call failed.</p>"
        f"{_example(definitions[0]['name'], url) if definitions else ''}"
        "<table><tr><th>Path<th>Effect<th>What it does</tr>"
        f"{rows}</table></html>"
    )
    return HTMLResponse(text, headers={"Content-Security-Policy": _POLICY})


def _row(definition: dict[str, Any]) -> str:
    name = escape(definition["name"])
    effect, words = find(definition["name"]).effect.word, escape(definition["description"])
    return f"<tr><td><code>/api/{name}</code><td>{effect}<td>{words}</tr>"


def _example(name: str, url: str) -> str:
    arguments = json.dumps(dict(find(name).examples[0].arguments), ensure_ascii=False)
    lines = (
        f"curl -s {url}/api/{name} \\",
        "  -H 'Authorization: Bearer TOKEN' -H 'Content-Type: application/json' \\",
        f"  -d '{arguments}'",
    )
    return "<pre>" + escape("\n".join(lines)) + "</pre>"
