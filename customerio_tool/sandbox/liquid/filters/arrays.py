"""Filters of lists."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

from ..values import check_size, json_of, list_of, member, number_of, text_of, whole_of


def join(value: Any, separator: Any = " ") -> str:
    """The items as one text."""
    items, between = [text_of(each) for each in list_of(value)], text_of(separator)
    check_size(sum(map(len, items)) + len(items) * len(between))
    return between.join(items)


def first(value: Any) -> Any:
    """The first item."""
    return next(iter(list_of(value)), None)


def last(value: Any) -> Any:
    """The last item."""
    items = list_of(value)
    return items[-1] if items else None


def map_(value: Any, name: Any) -> list[Any]:
    """A member of each item."""
    return [member(each, name) for each in list_of(value)]


def _fits(item: Any, name: Any, wanted: Any) -> bool:
    found = member(item, name)
    return found not in (None, False) if wanted is None else bool(found == wanted)


def where(value: Any, name: Any, wanted: Any = None) -> list[Any]:
    """The items with a member of this value; without one, those that have the member."""
    return [each for each in list_of(value) if _fits(each, name, wanted)]


def where_not(value: Any, name: Any, wanted: Any = None) -> list[Any]:
    """The items that ``where`` leaves out."""
    return [each for each in list_of(value) if not _fits(each, name, wanted)]


def find(value: Any, name: Any, wanted: Any = None) -> Any:
    """The first item that ``where`` would keep."""
    return next((each for each in list_of(value) if _fits(each, name, wanted)), None)


def _order(item: Any) -> tuple[int, float, str]:
    """The place of a value among others: numbers, then texts, then the rest."""
    if isinstance(item, (int, float)) and not isinstance(item, bool):
        return 0, number_of(item), ""
    return (2, 0.0, "") if item is None else (1, 0.0, text_of(item))


def _naturally(item: Any) -> tuple[int, float, str]:
    kind, number, text = _order(item)
    return kind, number, text.lower()


def _sorted(order: Callable[[Any], tuple[int, float, str]]) -> Callable[..., list[Any]]:
    def sort(value: Any, name: Any = None) -> list[Any]:
        return sorted(
            list_of(value), key=lambda item: order(item if name is None else member(item, name))
        )

    return sort


def uniq(value: Any, name: Any = None) -> list[Any]:
    """The items without those that are equal to an earlier one, or have an equal member."""
    found: dict[str, Any] = {}
    for each in list_of(value):
        found.setdefault(json_of(each if name is None else member(each, name)), each)
    return list(found.values())


def compact(value: Any) -> list[Any]:
    """The items without those that are nothing."""
    return [each for each in list_of(value) if each is not None]


def concat(value: Any, more: Any) -> list[Any]:
    """The items, then others."""
    return [*list_of(value), *list_of(more)]


def group_by(value: Any, name: Any) -> list[dict[str, Any]]:
    """The items in groups, each with its ``name`` and ``items``."""
    groups: dict[str, dict[str, Any]] = {}
    for each in list_of(value):
        of = member(each, name)
        groups.setdefault(json_of(of), {"name": of, "items": []})["items"].append(each)
    return list(groups.values())


def total(value: Any, name: Any = None) -> int | float:
    """The sum of the items, or of a member of each."""
    items = list_of(value)
    found = sum(number_of(each if name is None else member(each, name)) for each in items)
    return number_of(found)


def size(value: Any) -> int:
    """The number of items or characters."""
    return len(value) if isinstance(value, (str, list, Mapping)) else 0


FILTERS: dict[str, Callable[..., Any]] = {
    "compact": compact,
    "concat": concat,
    "find": find,
    "first": first,
    "group_by": group_by,
    "join": join,
    "json_array_uniq": uniq,
    "last": last,
    "limit": lambda value, count: list(islice(list_of(value), whole_of(count, 0))),
    "map": map_,
    "pop": lambda value: list_of(value)[:-1],
    "push": lambda value, item: [*list_of(value), item],
    "reverse": lambda value: list_of(value)[::-1],
    "shift": lambda value: list_of(value)[1:],
    "size": size,
    "sort": _sorted(_order),
    "sort_natural": _sorted(_naturally),
    "sum": total,
    "uniq": uniq,
    "unshift": lambda value, item: [item, *list_of(value)],
    "where": where,
    "where_not": where_not,
}
