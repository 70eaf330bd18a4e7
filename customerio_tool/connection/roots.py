"""TLS contexts, one for each file of root certificates: to read such a file costs 16 ms of CPU.

urllib3 would read it for each new connection, and keep 700 KiB for each.
"""

from __future__ import annotations

import ssl
from pathlib import Path

from urllib3.util.ssl_ import create_urllib3_context

_MOST_CONTEXTS = 8
_CONTEXTS: dict[tuple[str, int, int], ssl.SSLContext] = {}


def context_for(file: str) -> ssl.SSLContext | None:
    """Return the context that trusts the certificates of a file; a file that changed is read anew.

    None where the file cannot be read as certificates: to connect then fails, and says why.

    Args:
        file: The path of a PEM file.
    """
    try:
        found = Path(file).stat()
        key = (file, found.st_mtime_ns, found.st_size)
        return _CONTEXTS.get(key) or _kept(key)
    except OSError:  # of which `ssl.SSLError` is one
        return None


def _kept(key: tuple[str, int, int]) -> ssl.SSLContext:
    context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED)
    context.load_verify_locations(key[0])
    while len(_CONTEXTS) >= _MOST_CONTEXTS:  # as the file is replaced again and again
        for oldest in list(_CONTEXTS)[:1]:  # another thread may have taken it out
            _CONTEXTS.pop(oldest, None)
    return _CONTEXTS.setdefault(key, context)
