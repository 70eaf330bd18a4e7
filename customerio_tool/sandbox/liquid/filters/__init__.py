"""The filters of the vendor's list of Liquid syntax (fact liquid-filters), by name.

``*_exp`` filters, which hold a condition as text, are left out. A filter takes a value and its
arguments; one of ``OF_RUN`` takes the run first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import arrays, dates, numbers, strings

FILTERS: dict[str, Callable[..., Any]] = {
    **strings.FILTERS,
    **numbers.FILTERS,
    **arrays.FILTERS,
    **dates.FILTERS,
}
OF_RUN: dict[str, Callable[..., Any]] = {**dates.OF_RUN, **numbers.OF_RUN}
