"""`python -m customerio_tool`: the same commands as `customerio-tool`."""

from __future__ import annotations

from customerio_tool.doors.cli.main import main

if __name__ == "__main__":
    main()
