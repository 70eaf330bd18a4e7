"""Certificates for https, made at each start by trustme (the ``sandbox`` extra)."""

from __future__ import annotations

import ssl
from pathlib import Path


def server_context(folder: Path, host: str) -> tuple[ssl.SSLContext, Path]:
    """A TLS context for localhost, 127.0.0.1 and a host, and the file of its CA's certificate.

    Raises:
        RuntimeError: trustme is not installed.
    """
    try:
        import trustme
    except ImportError:
        raise RuntimeError(
            "TLS needs trustme: install it with  pip install 'customerio-tool[sandbox]'"
        ) from None
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    authority.issue_cert(*dict.fromkeys(("localhost", "127.0.0.1", host))).configure_cert(context)
    ca_file = folder / "sandbox-ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    return context, ca_file
