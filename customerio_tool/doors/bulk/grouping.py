"""Makes calls of rows: one call a row, or one for up to 1,000 people of a segment."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from customerio_tool.doors.bulk.job import Job
from customerio_tool.doors.bulk.rows import Outcome, Row, unreadable
from customerio_tool.errors import CustomerIoError
from customerio_tool.subtools.declare import MAX_SEGMENT_IDS, Subtool
from customerio_tool.subtools.parts.membership import MembershipArgs


@dataclass(frozen=True)
class Unit:
    """The rows of one call.

    Args:
        rows: The rows.
        arguments: The arguments of the call.
        lane: Units of one lane are applied in order.
    """

    rows: Sequence[Row]
    arguments: Mapping[str, Any] = field(repr=False)
    lane: int = 0


_Key = tuple[int, str | None, str]


class Grouping:
    """Makes the calls of a job from its rows.

    Args:
        job: The job.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._groups: dict[_Key, list[tuple[Row, list[str]]]] = {}
        self._made = 0

    @property
    def is_grouped(self) -> bool:
        """Whether a call takes several rows."""
        return is_grouped(self._job.declared)

    @property
    def held(self) -> int:
        """The number of rows that wait for their group to be full."""
        return sum(map(len, self._groups.values()))

    def units(self, rows: Sequence[Row]) -> Iterator[Unit | Outcome]:
        """Yield the calls that rows make, and the outcomes of rows that make none.

        Rows that are grouped are held until their group is full; `rest` yields the others.
        """
        for row in rows:
            if row.problem:
                yield unreadable(row)
            elif self.is_grouped:
                yield from self._grouped(row)
            else:
                arguments = self._job.arguments_of(row.number, row.arguments, row.again)
                yield Unit((row,), arguments, self._lane(row))

    def rest(self) -> Iterator[Unit]:
        """Yield the calls of the groups that are not full."""
        for key in list(self._groups):
            yield self._unit(key)

    def _lane(self, row: Row) -> int:
        """Return a lane: that of the person of the row, whose rows so keep their order."""
        person = row.arguments.get(self._job.declared.person_argument or "")
        return zlib.crc32(str(person).encode("utf-8", "replace")) if person else row.number

    def _grouped(self, row: Row) -> Iterator[Unit | Outcome]:
        subtool, given = self._job.declared, _as_list(row.arguments)
        try:
            args = cast("MembershipArgs", subtool.parse(given))
        except CustomerIoError as error:
            yield Outcome(row, "rejected", error.as_result())
            return
        key, ids = (args.segment_id, args.id_type, args.kind), list(args.customer_ids)
        group = self._groups.setdefault(key, [])
        if sum(len(each) for _, each in group) + len(ids) > MAX_SEGMENT_IDS:
            yield self._unit(key)
            group = self._groups.setdefault(key, [])
        group.append((row, ids))

    def _unit(self, key: _Key) -> Unit:
        group = self._groups.pop(key)
        self._made += 1
        return Unit(
            [row for row, _ in group], _arguments(key, [ids for _, ids in group]), self._made
        )


def is_grouped(subtool: Subtool[Any]) -> bool:
    """Whether a call of a subtool takes several rows."""
    return issubclass(subtool.args, MembershipArgs)


def halves(unit: Unit) -> list[Unit]:
    """Return a call of several rows as two; so those that are refused are found one by one."""
    middle = len(unit.rows) // 2
    parts = [unit.rows[:middle], unit.rows[middle:]]
    shared = {name: value for name, value in unit.arguments.items() if name != "customer_ids"}
    return [
        Unit(rows, {**shared, "customer_ids": [each for row in rows for each in _ids(row)]})
        for rows in parts
    ]


def _arguments(key: _Key, ids: Sequence[list[str]]) -> dict[str, Any]:
    segment, given_type, _ = key
    named = {} if given_type is None else {"id_type": given_type}
    return {"segment_id": segment, "customer_ids": [one for each in ids for one in each], **named}


def _as_list(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a row, in which one person may be `customer_id`."""
    arguments = dict(given)
    ids = arguments.get("customer_ids")
    if "customer_id" in arguments and ids is None:
        arguments["customer_ids"] = [arguments.pop("customer_id")]
    elif isinstance(ids, (str, int)) and not str(ids).lstrip().startswith("["):
        arguments["customer_ids"] = [ids]
    return arguments


def _ids(row: Row) -> list[Any]:
    ids = _as_list(row.arguments)["customer_ids"]
    return ids if isinstance(ids, list) else [ids]
