"""`demo --open` leaves what it played open to look around, until a signal."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import requests

from tests.support.shell import MAIN
from tests.support.timeouts import PATIENCE
from tests.support.visitor import Visitor


def test_the_demo_stays_open_in_both_faces_until_ctrl_c() -> None:
    own = {k: v for k, v in os.environ.items() if not k.startswith(("CUSTOMERIO_", "OPENAI_"))}
    with subprocess.Popen(
        [sys.executable, "-c", MAIN, "demo", "--open", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**own, "DISPLAY": "", "WAYLAND_DISPLAY": ""},
    ) as process:
        try:
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline())
            assert len(ready["subtools"]) == 24
            assert all(row["is_proved"] for row in ready["subtools"])
            with Visitor(ready) as visitor:
                assert "trigger_broadcast" in visitor.get("/calls?run=demo&effect=send")
            console = requests.get(f"{ready['console']}console/people", timeout=PATIENCE)
            assert "mara+shop@example.com" in console.text
            process.send_signal(signal.SIGINT)
            printed, complaints = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
    assert (process.returncode, printed) == (0, "")
    assert "Traceback" not in complaints
