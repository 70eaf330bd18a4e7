"""An earlier path of `customerio_tool.subtools.declare`, which has the shapes of results."""

from customerio_tool.subtools.declare import *  # noqa: F403 - the same names
