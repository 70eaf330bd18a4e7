"""An earlier path of `customerio_tool.subtools.declare`, the vocabulary of declarations."""

from customerio_tool.subtools.declare import *  # noqa: F403 - the same names
from customerio_tool.subtools.declare import Invocation as Call  # noqa: F401 - its earlier name
