"""A record does what a frozen dataclass of the standard library does, but for freezing."""

from __future__ import annotations

import dataclasses
from copy import deepcopy
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

import pytest

from customerio_tool import records


@records.record(frozen=True)
class Record:
    """A record with a field of each sort."""

    name: str
    secret: str = field(default="", repr=False)
    clock: object = field(default=None, compare=False)
    choices: dict[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Plain:
    """The same of the standard library."""

    name: str
    secret: str = field(default="", repr=False)
    clock: object = field(default=None, compare=False)
    choices: dict[str, str] = field(default_factory=dict, hash=False)


@records.record(frozen=True, eq=False)
class Alone:
    """A record that equals itself alone."""

    name: str


@records.record(frozen=True, kw_only=True)
class Written:  # noqa: PLW1641 - `record` gives the hash
    """A record that writes methods of its own."""

    name: str
    words: dict[str, str] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("name is empty.")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Written)

    def __repr__(self) -> str:
        return "written"


@records.record(frozen=True)
class Unhashed:
    """A record none of whose fields counts in its hash."""

    words: dict[str, str] = field(hash=False)


GIVEN: list[dict[str, Any]] = [
    {"name": "ada"},
    {"name": "ada", "secret": "key"},
    {"name": "ada", "clock": 3},
    {"name": "ada", "choices": {"a": "b"}},
]


@pytest.mark.parametrize("given", GIVEN)
def test_it_shows_compares_and_hashes_as_one_of_the_standard_library(given: dict[str, Any]) -> None:
    ours, theirs = Record(**given), Plain(**given)

    assert repr(ours) == repr(theirs).replace("Plain", "Record")
    assert asdict(ours) == asdict(theirs)
    assert [one.name for one in fields(ours)] == [one.name for one in fields(theirs)]
    for other in GIVEN:
        assert (ours == Record(**other)) is (theirs == Plain(**other))
        assert (hash(ours) == hash(Record(**other))) is (hash(theirs) == hash(Plain(**other)))


def test_another_class_with_equal_fields_is_another_value() -> None:
    other: object = Plain("ada")

    assert Record("ada") != other


def test_it_is_replaced_and_copied() -> None:
    record = Record("ada", choices={"a": "b"})

    assert replace(record, name="bob") == Record("bob", choices={"a": "b"})
    assert deepcopy(record) == record


def test_without_eq_it_equals_itself_alone() -> None:
    one = Alone("ada")

    assert one == one
    assert one != Alone("ada")
    assert len({one, Alone("ada")}) == 2


def test_methods_of_the_class_prevail() -> None:
    assert Written(name="ada") == Written(name="bob")
    assert repr(Written(name="ada")) == "written"
    assert hash(Written(name="ada")) == hash(Written(name="ada", words={"a": "b"}))
    with pytest.raises(ValueError, match="name is empty"):
        Written(name="")


def test_a_hash_of_no_field_is_one_hash() -> None:
    assert hash(Unhashed({"a": "b"})) == hash(Unhashed({}))


def test_a_record_that_changes_is_refused() -> None:
    with pytest.raises(TypeError, match="standard library"):
        records.record(frozen=False)


def test_a_missing_argument_is_named_as_by_the_standard_library() -> None:
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'name'"):
        Record()  # type: ignore[call-arg]


def test_it_is_a_dataclass() -> None:
    assert dataclasses.is_dataclass(Record)
