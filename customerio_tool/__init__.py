"""The Customer.io tool for AI agents: 24 subtools over the Track and App APIs."""

from __future__ import annotations

from customerio_tool.connection import Api, Connection
from customerio_tool.errors import CustomerIoError
from customerio_tool.invocation import CallContext
from customerio_tool.policy import Policy
from customerio_tool.tool import CustomerIoTool

__all__ = ["Api", "CallContext", "Connection", "CustomerIoError", "CustomerIoTool", "Policy"]
