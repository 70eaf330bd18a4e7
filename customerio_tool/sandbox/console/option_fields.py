"""The options as fields of a form: what each may be, and which value a text of it means."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from markupsafe import Markup

from ..options import Options

_UNIONS = (Union, UnionType)
_NUMBERS: Mapping[Any, tuple[Callable[[str], Any], str]] = {
    int: (int, "an integer"),
    float: (float, "a number"),
}


@dataclass(frozen=True)
class OptionField:
    """One option as a field.

    Args:
        name: its name.
        value: its value now.
        default: its default.
        choices: the texts of what it may be; none for a number or any text.
        typed: what was typed and refused, if it was.
    """

    name: str
    value: Any
    default: Any
    choices: tuple[str, ...]
    typed: str | None = None

    @property
    def is_switched(self) -> bool:
        """Whether it differs from its default."""
        return bool(self.value != self.default)

    @property
    def text(self) -> str:
        """What the field holds."""
        return shown(self.value) if self.typed is None else self.typed

    @property
    def choice(self) -> Markup:
        """The choices as elements, with the one that the field holds."""
        return _choice(self.choices, self.text if self.text in self.choices else "")


def option_fields(options: Options, form: Mapping[str, str]) -> list[OptionField]:
    """All options except the credentials, those first that differ from their defaults.

    Args:
        options: the options in force.
        form: what was typed and refused, by the options' names; empty for what is in force.
    """
    found = [
        OptionField(name, value, _DEFAULTS[name], _TEXTS[name], form.get(name))
        for name, value in options.shown().items()
    ]
    return sorted(found, key=lambda each: not each.is_switched)


def changes_of(options: Options, form: Mapping[str, str]) -> dict[str, Any]:
    """The options that a form changes; a blank field means the default.

    Raises:
        ValueError: a text means no value of its option.
    """
    given = {
        each.name: _read(each, form[each.name])
        for each in option_fields(options, {})
        if each.name in form
    }
    return {name: value for name, value in given.items() if value != getattr(options, name)}


def shown(value: Any) -> str:
    """The text of a value in a form."""
    return value if isinstance(value, str) else json.dumps(value)


@cache
def _choice(choices: tuple[str, ...], chosen: str) -> Markup:
    element = Markup('<option value="{0}"{1}>{0}</option>')
    selected = Markup(" selected")
    return Markup("").join(
        element.format(each, selected if each == chosen else "") for each in choices
    )


def _choices(hint: Any) -> tuple[Any, ...]:
    if hint is bool:
        return (True, False)
    if get_origin(hint) is Literal:
        return get_args(hint)
    if get_origin(hint) in _UNIONS and all(get_origin(each) is Literal for each in get_args(hint)):
        return tuple(value for each in get_args(hint) for value in get_args(each))
    return ()


def _read(field: OptionField, typed: str) -> Any:
    hint = _HINTS[field.name]
    if typed == "":
        return field.default
    if choices := _choices(hint):
        # An unknown text stays one: the options refuse it, with the nearest of the choices.
        return {shown(each): each for each in choices}.get(typed, typed)
    if hint not in _NUMBERS:
        return None if typed == "null" else typed
    read, words = _NUMBERS[hint]
    try:
        return read(typed)
    except ValueError:
        raise ValueError(f"options.{field.name} must be {words}") from None


_HINTS = get_type_hints(Options)
_DEFAULTS = {each.name: each.default for each in fields(Options)}
_TEXTS = {name: tuple(map(shown, _choices(hint))) for name, hint in _HINTS.items()}
