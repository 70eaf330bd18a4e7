"""The recipe for Celery, as it stands in the guide, on a real worker and a real Redis."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from customerio_tool.sandbox import Sandbox
from tests.support.bulk import applied_events, events, written
from tests.support.documents import blocks
from tests.support.redis_server import RedisServer
from tests.support.requirements import requires
from tests.support.shell import environment
from tests.support.timeouts import PATIENCE

ENQUEUE = "import sys, tasks; tasks.enqueue(sys.argv[1], sys.argv[2], 'track_event', size=7)"
WORKER = (
    *("-m", "celery", "-A", "tasks", "worker", "--pool=solo", "--loglevel=WARNING"),
    *("--without-gossip", "--without-mingle", "--without-heartbeat"),
)


@requires("redis-server")
def test_rows_that_celery_delivers_twice_are_applied_once(
    sandbox: Sandbox, redis_server: RedisServer, tmp_path: Path
) -> None:
    (recipe,) = (block for block in blocks("python") if "Celery(" in block.text)
    (tmp_path / "tasks.py").write_text(recipe.text, encoding="utf-8")
    rows = written(tmp_path / "events.jsonl", events(40, bad=[9]))
    env = {**os.environ, **environment(sandbox.connection()), "BROKER_URL": redis_server.url}
    for _ in range(2):
        command = [sys.executable, "-c", ENQUEUE, str(rows), "import-7"]
        subprocess.run(command, env=env, cwd=tmp_path, check=True)
    with (tmp_path / "log").open("w") as log:
        worker = [sys.executable, *WORKER]
        with subprocess.Popen(worker, env=env, cwd=tmp_path, stderr=log, stdout=log) as process:
            try:
                give_up_at = time.monotonic() + PATIENCE
                while len(applied_events(sandbox)) < 39 and time.monotonic() < give_up_at:
                    time.sleep(0.1)
            finally:
                process.terminate()
    told = (tmp_path / "log").read_text(encoding="utf-8")
    assert applied_events(sandbox) == {n: 1 for n in range(1, 41) if n != 9}, told
    assert "row 9 is rejected: Nothing was sent. customer_id is blank" in told, told
    assert json.loads(rows.read_text(encoding="utf-8").splitlines()[0])["customer_id"] not in told
