"""Seals the calls that wait for a person where other programs could read them."""

from __future__ import annotations

import hashlib
import hmac
import os
from typing import Any

from customerio_tool.backends.approvals.waiting import require_sealing
from customerio_tool.connection import Connection
from customerio_tool.subtools.declare import Api

_NONCE_BYTES = 12


class SealBroken(Exception):
    """What is sealed was sealed with other credentials, or was changed since."""


class Seal:
    """Seals and opens with AES-256-GCM, and digests, by a key from the credentials of an API.

    So every worker that can make a call can open it, and nobody else can. AES is that of the
    library `cryptography`.

    Args:
        connection: The credentials.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def digest(self, api: Api, data: bytes) -> str:
        """Return the HMAC of data, as 32 hex digits: without the credentials nobody can guess it.

        Raises:
            ConnectionInvalid: The connection has no credentials of that API.
        """
        return hmac.new(self._key(api), data, hashlib.sha256).hexdigest()[:32]

    def seal(self, api: Api, data: bytes, about: bytes) -> bytes:
        """Return data sealed.

        Args:
            api: The API whose credentials open it.
            data: The data.
            about: What is known in clear and must be the same when it is opened.

        Raises:
            ConnectionInvalid: The connection has no credentials of that API.
            ImportError: The library `cryptography` is not installed.
        """
        nonce = os.urandom(_NONCE_BYTES)  # not the tool's clock: a nonce must never come twice
        sealed: bytes = self._cipher(api).encrypt(nonce, data, about)
        return nonce + sealed

    def open(self, api: Api, sealed: bytes, about: bytes) -> bytes:
        """Return the data that was sealed.

        Raises:
            ConnectionInvalid: The connection has no credentials of that API.
            ImportError: The library `cryptography` is not installed.
            SealBroken: It was sealed with other credentials or about something else, or changed.
        """
        cipher = self._cipher(api)
        from cryptography.exceptions import InvalidTag

        try:
            data: bytes = cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], about)
        except (InvalidTag, ValueError):
            pass
        else:
            return data
        raise SealBroken("It was sealed with other credentials, or was changed since.")

    def _cipher(self, api: Api) -> Any:
        require_sealing()
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return AESGCM(self._key(api))

    def _key(self, api: Api) -> bytes:
        secret = self._connection.authorization(api).encode()
        return hashlib.blake2b(secret, digest_size=32, person=b"approvals").digest()
