"""A local Customer.io: ``with Sandbox() as sandbox: ...``. TLS, console and Liquid need an extra.

Layers, each importing only those before it:

- ``refusal``, ``json_text``, ``declared``, ``options``, ``clock``, ``schema``, ``store``,
  ``snapshots``, ``workspace`` and ``limits``;
- ``liquid``, the language of templates, which knows no workspace;
- the rules of Customer.io (``people``, ``events``, ``broadcasts`` ...), which know no HTTP, and the
  content of a workspace (``demo_seed``, ``seeding``);
- ``http``, ``routes``, ``faults``, ``pace``, ``pending``, ``request_log`` and ``access``;
- the routes of each API (``track``, ``app_*``, ``control``);
- ``application``, which applies one request in one transaction;
- ``wire_faults``, ``welcome``, ``pages`` and ``server``, and ``local``;
- ``console``, the web pages, which ``pages`` loads when the first one is asked for.

Docstrings name the source of a rule: T and A are the vendor's Track and App specifications
(https://docs.customer.io/files/journeys-track.json and journeys-app.json), A+ the rendered App
reference, REC responses recorded in customerio/customerio-node, I29 that repository's issue 29,
BE https://docs.customer.io/journeys/api-triggered-errors, TE
https://docs.customer.io/journeys/transactional-api-common-api-errors/, INV
https://docs.customer.io/journeys/invalid-api-requests, WH the specification of reporting webhooks,
AN https://docs.customer.io/journeys/anonymous-events/, MG the page on merging people, AM the
release note on merging them automatically
(https://customer.io/docs/release-notes/2021-10-05-auto-merge), RA and ID those on reserved
attributes and identifiers, and a language's name that language's official client.
"fact delete-frees" is the entry of that name in ``tests/contract/facts.yaml``, with its sources.
Behaviour that no source settles is marked UNVERIFIED, or is a switch in ``options``.
"""

from __future__ import annotations

from .clock import Clock
from .local import Sandbox
from .options import Options
from .serving.faults import Fault

__all__ = ["Clock", "Fault", "Options", "Sandbox"]
