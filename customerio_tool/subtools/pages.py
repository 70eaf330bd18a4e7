"""The former path of `customerio_tool.subtools.parts.pages`; its names are still found here."""

from customerio_tool.subtools.parts.pages import Full, Limit, NamePart, Offset

__all__ = ["Full", "Limit", "NamePart", "Offset"]
