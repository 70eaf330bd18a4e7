"""Starts the MCP server of the bundle."""

import sys

from customerio_tool.doors.cli.main import main

main(["mcp", *sys.argv[1:]])
