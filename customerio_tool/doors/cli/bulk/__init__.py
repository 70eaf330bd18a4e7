"""The commands `bulk`: one subtool over many rows."""

from customerio_tool.doors.cli.bulk.commands import bulk

__all__ = ["bulk"]
