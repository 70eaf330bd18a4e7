"""What the workers of one workspace share, as the environment says: the ledger and the limits.

`CUSTOMERIO_REDIS_URL` shares both among machines; `CUSTOMERIO_LEDGER_FILE` keeps the ledger in a
SQLite file, for the processes of one machine. Without them each tool remembers for itself.
"""

from __future__ import annotations

from collections.abc import Mapping

from customerio_tool.ledger import Ledger, MemoryLedger
from customerio_tool.redis_pacing import REDIS_URL_VARIABLE, limiter_from_env

LEDGER_FILE_VARIABLE = "CUSTOMERIO_LEDGER_FILE"

__all__ = ["ledger_from_env", "limiter_from_env"]


def ledger_from_env(environ: Mapping[str, str]) -> Ledger:
    """Return the ledger of sends that the environment asks for.

    Raises:
        ImportError: It asks for Redis, and redis-py is not installed.
        ValueError: `CUSTOMERIO_REDIS_URL` holds no address of a Redis server.
    """
    if path := environ.get(LEDGER_FILE_VARIABLE, "").strip():
        from customerio_tool.ledger_sqlite import SqliteLedger

        return SqliteLedger(path)
    if url := environ.get(REDIS_URL_VARIABLE, "").strip():
        from customerio_tool.ledger_redis import RedisLedger

        return RedisLedger(url)
    return MemoryLedger()
