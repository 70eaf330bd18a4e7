"""The connection to Customer.io: credentials, hosts, and one HTTP exchange at a time."""

from __future__ import annotations

from customerio_tool.connection.connection import Connection
from customerio_tool.connection.fields import REGIONS, Region, is_vendor
from customerio_tool.subtools.declare.endpoint import ALL_APIS, Api

__all__ = ["ALL_APIS", "REGIONS", "Api", "Connection", "Region", "is_vendor"]
