"""Mends refused arguments where only one call can be meant, for the `try` or `look` of the error.

A mended call names nobody and nothing that the refused one did not, and it was checked like any
other call. It is only advice: what is refused stays refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from customerio_tool.errors import Look
from customerio_tool.patterns import pattern
from customerio_tool.subtools.declare.marks import (
    IDENTIFIES,
    IMPLIED,
    LOOSE,
    NARROWS,
    PAGE_SIZE,
    AlsoCalled,
    FoundBy,
    marks,
    marks_of,
    metadata_of,
)
from customerio_tool.subtools.declare.placeholders import is_placeholder
from customerio_tool.subtools.declare.reading import base_of, choices_of
from customerio_tool.subtools.declare.wording import meant, words_of

Values = dict[str, Any]

_WRAPPERS = frozenset(("arguments", "args", "input", "inputs", "parameters", "params", "kwargs"))
_PERSON_KEYS = ("id", "email", "cio_id", "customer_id", "user_id")
_FLAGS = {"yes": True, "on": True, "y": True, "1": True} | {
    "no": False,
    "off": False,
    "n": False,
    "0": False,
}
_PAIR_NAMES = ({"name", "value"}, {"key", "value"})
_DECORATED = pattern(r"(?:mailto:|[^<>@,;]*<)([^<>\s,;:?]+@[^<>\s,;?]+)>?", re.IGNORECASE)


def alias_of(args: type[BaseModel], name: str) -> str | None:
    """Return the argument that an unknown name can only mean, by declaration or by its words."""
    spelt = "_".join(words_of(name))
    by_words = [known for known in args.model_fields if _plain(known) == _plain(spelt)]
    declared = [
        known
        for known, argument in args.model_fields.items()
        if any(spelt in each.names for each in marks_of(argument, AlsoCalled))
    ]
    own = [known for known in by_words if known == spelt]
    return next(iter(own + declared + by_words), None)


def _plain(name: str) -> str:
    """Return a name in the form for comparisons: words together, and singular as plural."""
    return name.replace("_", "").rstrip("s")


def is_wrapper(args: type[BaseModel], name: str) -> bool:
    """Return whether an unknown name is one that models put around all arguments."""
    return name in _WRAPPERS - args.model_fields.keys()


def loose_argument(args: type[BaseModel], name: str) -> str | None:
    """Return the argument into which a name of the model's own belongs, or None."""
    fields = args.model_fields
    if name in _WRAPPERS or name.startswith("_") or meant(name, fields):
        return None
    return next((known for known, each in fields.items() if marks(each, LOOSE)), None)


def mended(
    args: type[BaseModel],
    given: Mapping[str, Any],
    *,
    wrong: Collection[str],
    is_type_wrong: bool,
) -> Iterator[Values]:
    """Yield calls that refused arguments may mean, the most likely first.

    A text that was not refused stays as it is, as that of a sender: `Acme <hi@acme.example>`.

    Args:
        args: The class of the arguments.
        given: The refused arguments.
        wrong: The names of those whose value was refused.
        is_type_wrong: Whether the type that was given for an identifier contradicts its form.
    """
    values = _unwrapped(args, given)
    renamed = None if values is None else _renamed(args, values)
    if renamed is None:
        return
    fields = args.model_fields
    kept = {
        name: value
        for name, value in renamed.items()
        if not _is_to_leave_out(fields[name], name, value)
    }
    unseen = {*wrong, *(kept.keys() - given.keys())}
    for names in (wrong, unseen):
        tidy = {
            name: value
            if isinstance(value, str) and name not in names
            else _mended_value(args, name, value)
            for name, value in kept.items()
        }
        yield tidy
    yield kept
    implied = {name for name in tidy if marks(fields[name], IMPLIED)}
    if implied and (is_type_wrong or any(_is_no_choice(args, n, tidy[n]) for n in implied)):
        yield {name: value for name, value in tidy.items() if name not in implied}


def _is_no_choice(args: type[BaseModel], name: str, value: Any) -> bool:
    return value not in choices_of(args, name)


def look_for(finders: Mapping[str, FoundBy], given: Mapping[str, Any]) -> Look | None:
    """Return the read that finds the number for which a model gave a name, or None."""
    for name, found_by in finders.items():
        places = (name,) if name in given else found_by.names
        texts = (given.get(place) for place in places)
        if text := next((each for each in texts if _is_name(each, name)), None):
            return Look(found_by.subtool, {"name_contains": text})
    return None


def _is_name(value: Any, argument: str) -> bool:
    if not isinstance(value, str) or not 0 < len(value.strip()) <= 200:
        return False
    plain = value.strip()
    return plain == value and any(map(str.isalpha, plain)) and not is_placeholder(plain, argument)


def _unwrapped(args: type[BaseModel], given: Mapping[str, Any]) -> Values | None:
    """Return the arguments that stand inside of the only one, or the arguments themselves."""
    values = dict(given)
    if len(values) == 1 and is_wrapper(args, name := next(iter(values))):
        inner = values[name]
        return dict(inner) if isinstance(inner, dict) else None
    return values


def _renamed(args: type[BaseModel], given: Values) -> Values | None:
    """Return the arguments under their own names; None if one has no place, or two differ."""
    values = {name: value for name, value in given.items() if name in args.model_fields}
    for name, value in given.items():
        if name in values or value is None:
            continue
        target, added = alias_of(args, name), value
        if target is None:
            target, added = loose_argument(args, name), {name: value}
        if target is None:
            return None
        merged = _merged(args.model_fields[target], values.get(target), added)
        if merged is None:
            return None
        values[target] = merged
    return values


def _merged(argument: FieldInfo, here: Any, added: Any) -> Any:
    """Return one value of two for an argument; None if they contradict each other."""
    if here is None or here == added:
        return added
    if not (marks(argument, LOOSE) and isinstance(here, dict) and isinstance(added, dict)):
        return None
    differ = any(here.get(name, value) != value for name, value in added.items())
    return None if differ else {**here, **added}


def _is_to_leave_out(argument: FieldInfo, name: str, value: Any) -> bool:
    """Whether an optional argument holds a placeholder, and nothing depends on it."""
    if argument.is_required() or marks(argument, NARROWS) or not marks(argument, IDENTIFIES):
        return False
    return isinstance(value, str) and is_placeholder(value, name)


def _mended_value(args: type[BaseModel], name: str, value: Any) -> Any:
    """Return a value in the type of its argument where that is certain, else unchanged."""
    argument = args.model_fields[name]
    if choices_of(args, name):
        return value
    mend = _MENDERS.get(base_of(argument))
    return mend(argument, value) if mend else value


def _as_list(_: FieldInfo, value: Any) -> Any:
    if isinstance(value, str) and value.strip() and not value.lstrip().startswith(("[", "{")):
        return [part.strip() for part in value.split(",")]
    if isinstance(value, dict) or type(value) is int:
        value = [value]
    return [_identifier_in(each) for each in value] if isinstance(value, list) else value


def _as_text(argument: FieldInfo, value: Any) -> Any:
    one = _identifier_in(_only(value)) if argument.is_required() else value
    if type(one) is int:
        return str(one)
    found = _DECORATED.fullmatch(one) if isinstance(one, str) else None
    return found[1] if found else one


def _as_number(argument: FieldInfo, value: Any) -> Any:
    one = _identifier_in(_only(value))
    limits = [each.le for each in metadata_of(argument) if getattr(each, "le", None)]
    if marks(argument, PAGE_SIZE) and type(one) is int and limits and one > limits[0]:
        return limits[0]
    return one


def _as_flag(_: FieldInfo, value: Any) -> Any:
    if type(value) is int:
        return bool(value) if value in (0, 1) else value
    return _FLAGS.get(value.strip().lower(), value) if isinstance(value, str) else value


def _as_object(_: FieldInfo, value: Any) -> Any:
    """Return an object for a list of its pairs, each under a name of its own."""
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        return value
    if not all(set(each) in _PAIR_NAMES for each in value):
        return value
    pairs = [(each.get("name", each.get("key")), each["value"]) for each in value]
    names: Collection[Any] = {name for name, _ in pairs if isinstance(name, str)}
    return dict(pairs) if len(names) == len(pairs) else value


def _only(value: Any) -> Any:
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _identifier_in(value: Any) -> Any:
    """Return the identifier in an object that has nothing else, or the value unchanged."""
    if isinstance(value, dict) and len(value) == 1 and next(iter(value)) in _PERSON_KEYS:
        return next(iter(value.values()))
    return value


_MENDERS: Mapping[Any, Callable[[FieldInfo, Any], Any]] = {
    list: _as_list,
    str: _as_text,
    int: _as_number,
    bool: _as_flag,
    dict: _as_object,
}
