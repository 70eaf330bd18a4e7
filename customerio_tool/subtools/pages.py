"""An earlier path of `customerio_tool.subtools.parts.pages`."""

from customerio_tool.subtools.parts.pages import Full, Limit, NamePart, Offset

__all__ = ["Full", "Limit", "NamePart", "Offset"]
