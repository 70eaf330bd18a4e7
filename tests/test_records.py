"""A record does what a frozen dataclass of the standard library does; a shared one freezes too."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from copy import deepcopy
from dataclasses import FrozenInstanceError, asdict, dataclass, field, fields, replace
from typing import Any

import pytest

from customerio_tool import records


def anew(decorator: Callable[..., Any] = records.record, name: str = "Record") -> Any:
    """Return a class with a field of each sort, made anew: it has made no value yet."""

    class Made:
        """The class before the decorator."""

        name: str
        secret: str = field(default="", repr=False)
        clock: object = field(default=None, compare=False)
        choices: dict[str, str] = field(default_factory=dict, hash=False)

    Made.__name__ = Made.__qualname__ = name
    return decorator(frozen=True)(Made)


Record = anew()
Plain = anew(dataclass, "Plain")
Shared = anew(records.shared_record, "Shared")


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


@pytest.mark.parametrize("kind", [Record, Shared])
@pytest.mark.parametrize("given", GIVEN)
def test_it_shows_compares_and_hashes_as_one_of_the_standard_library(
    given: dict[str, Any], kind: Callable[..., Any]
) -> None:
    ours, theirs = kind(**given), Plain(**given)

    assert repr(ours) == repr(theirs).replace("Plain", type(ours).__name__)
    assert asdict(ours) == asdict(theirs)
    assert [one.name for one in fields(ours)] == [one.name for one in fields(theirs)]
    for other in GIVEN:
        assert (ours == kind(**other)) is (theirs == Plain(**other))
        assert (hash(ours) == hash(kind(**other))) is (hash(theirs) == hash(Plain(**other)))


@pytest.mark.parametrize("already", [0, records.MANY - 1, records.MANY])
@pytest.mark.parametrize(
    ("values", "named"),
    [
        (("ada",), {}),
        (("ada", "key", 3, {"a": "b"}), {}),
        (("ada",), {"choices": {"a": "b"}}),
        ((), {"clock": 3, "name": "ada"}),
    ],
)
def test_the_first_values_and_the_many_after_them_are_made_alike(
    values: tuple[Any, ...], named: dict[str, Any], already: int
) -> None:
    made = anew()
    for _ in range(already):
        made("somebody else")

    assert asdict(made(*values, **named)) == asdict(Plain(*values, **named))
    first, second = made("ada"), made("ada")
    assert first.choices is not second.choices


@pytest.mark.parametrize("already", [0, records.MANY])
@pytest.mark.parametrize(
    ("values", "named"),
    [
        ((), {}),
        (("ada", "key", 3, {}, 5), {}),
        (("ada",), {"name": "bob"}),
        (("ada",), {"nickname": "bob"}),
        ((), {"secret": "key"}),
    ],
)
def test_wrong_arguments_are_refused_in_the_words_of_the_standard_library(
    values: tuple[Any, ...], named: dict[str, Any], already: int
) -> None:
    made = anew()
    for _ in range(already):
        made("somebody else")
    with pytest.raises(TypeError) as theirs:
        Plain(*values, **named)
    with pytest.raises(TypeError) as ours:
        made(*values, **named)

    assert str(ours.value) == str(theirs.value).replace("Plain", "Record")
    assert made("ada").name == "ada"


def test_a_class_that_writes_its_init_keeps_it() -> None:
    @records.record(frozen=True)
    class Own:
        """A record with an `__init__` of its own."""

        names: tuple[str, ...]

        def __init__(self, *names: str) -> None:
            object.__setattr__(self, "names", names)

    assert Own("ada", "bob").names == ("ada", "bob")


def test_what_hosts_share_is_frozen_and_says_what_it_takes() -> None:
    shared = Shared("ada")

    with pytest.raises(FrozenInstanceError):
        shared.name = "bob"
    with pytest.raises(FrozenInstanceError):
        del shared.name
    assert str(inspect.signature(Shared)) == str(inspect.signature(Plain))


@pytest.mark.parametrize("already", [0, records.MANY])
def test_what_hosts_share_is_frozen_from_the_first_value_to_the_many(already: int) -> None:
    made = anew(records.shared_record, "Shared")
    for _ in range(already):
        made("somebody else")
    shared = made("ada", choices={"a": "b"})

    for name in ("name", "clock", "unknown"):
        with pytest.raises(FrozenInstanceError, match=f"cannot assign to field '{name}'"):
            setattr(shared, name, "bob")
        with pytest.raises(FrozenInstanceError, match=f"cannot delete field '{name}'"):
            delattr(shared, name)
    assert asdict(shared) == asdict(Plain("ada", choices={"a": "b"}))


def test_a_subclass_of_what_hosts_share_may_have_more_and_must_freeze_too() -> None:
    class Counting(Shared):  # type: ignore[misc, valid-type]  # made at run time
        """A subclass that counts."""

        count = 0

    counting = Counting("ada")
    counting.count += 1
    assert counting.count == 1
    with pytest.raises(FrozenInstanceError):
        counting.name = "bob"
    assert inspect.signature(Counting) == inspect.signature(Shared)

    @dataclass(frozen=True)
    class Older(Shared):  # type: ignore[misc, valid-type]
        """A subclass with a field of its own."""

        age: int = 0

    assert asdict(Older("ada", age=36)) == {**asdict(Plain("ada")), "age": 36}
    assert list(inspect.signature(Older).parameters)[-1] == "age"
    with pytest.raises(TypeError, match="cannot inherit non-frozen dataclass from a frozen one"):
        dataclass(type("Loose", (Shared,), {"__annotations__": {"age": "int"}, "age": 0}))


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


@pytest.mark.parametrize("decorator", [records.record, records.shared_record])
def test_a_record_that_changes_is_refused(decorator: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match="standard library"):
        decorator(frozen=False)


def test_a_missing_argument_is_named_as_by_the_standard_library() -> None:
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'name'"):
        Record()


def test_it_is_a_dataclass() -> None:
    assert dataclasses.is_dataclass(Record)
