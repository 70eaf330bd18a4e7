"""An earlier path of `customerio_tool.subtools.declare`, the vocabulary of declarations."""

from customerio_tool.subtools.declare import *  # noqa: F403 - the same names
