"""Filters of numbers, and of money."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any

from babel import Locale, UnknownLocaleError
from babel.numbers import format_currency, format_decimal, get_territory_currencies

from ..steps import NotRendered
from ..values import number_of, text_of, whole_of

if TYPE_CHECKING:
    from ..run import Run

_Number = int | float
_OF_AMOUNT = 10  # steps of writing a number in a locale


def _finite(work: Callable[..., _Number]) -> Callable[..., _Number]:
    """A filter of numbers, whose result must be one too."""

    def calculate(value: Any, *arguments: Any) -> _Number:
        try:
            found = work(number_of(value), *map(number_of, arguments))
        except (ZeroDivisionError, OverflowError):
            raise NotRendered("a number is divided by 0, or too large") from None
        return number_of(found)

    return calculate


def _divided(value: _Number, by: _Number) -> _Number:
    """A quotient; of two integers, rounded down, as in standard Liquid (UNVERIFIED)."""
    return value // by if isinstance(value, int) and isinstance(by, int) else value / by


def _rounded(value: _Number, digits: _Number = 0) -> _Number:
    places = whole_of(digits, 0, 20)
    scale = 10**places
    found = math.floor(value * scale + 0.5) / scale
    return found if places else int(found)


def _locale(run: Run, name: Any) -> Locale:
    """A locale, in which a number is to be written. Raises NotRendered for a name that is none."""
    run.use_locale(text_of(name))
    run.steps.spend(_OF_AMOUNT)
    text = text_of(name).replace("_", "-")
    try:
        return Locale.parse(text, sep="-")
    except (ValueError, TypeError, UnknownLocaleError):
        raise NotRendered(f"the locale '{text[:40]}' is unknown") from None


def _money_of(locale: Locale) -> str:
    """The money of a locale's territory; of a language without one, dollars."""
    found = get_territory_currencies(locale.territory, date(2026, 1, 1)) if locale.territory else []
    return str(found[0]) if found else "USD"


def format_number(run: Run, value: Any, locale: Any = "en") -> str:
    """A number with the separators of a locale."""
    return format_decimal(number_of(value), locale=_locale(run, locale))


def currency(run: Run, value: Any, locale: Any = "en", code: Any = None) -> str:
    """An amount of money."""
    found = _locale(run, locale)
    money = _money_of(found) if code is None else text_of(code)[:10]
    return format_currency(number_of(value), money, locale=found)


def rounded_currency(run: Run, value: Any, locale: Any = "en", code: Any = None) -> str:
    """An amount of money without cents."""
    found = _locale(run, locale)
    money = _money_of(found) if code is None else text_of(code)[:10]
    return format_currency(
        _rounded(number_of(value)), money, format="¤#,##0", locale=found, currency_digits=False
    )


def random(run: Run, value: Any) -> int:
    """A whole number from 0 up to the value, which is left out."""
    return int.from_bytes(run.draw()[:8], "big") % whole_of(value, 1, 2**53)


FILTERS: dict[str, Callable[..., Any]] = {
    "abs": _finite(abs),
    "at_least": _finite(max),
    "at_most": _finite(min),
    "ceil": _finite(math.ceil),
    "divided_by": _finite(_divided),
    "floor": _finite(math.floor),
    "minus": _finite(lambda value, other: value - other),
    "modulo": _finite(lambda value, other: value % abs(other)),
    "plus": _finite(lambda value, other: value + other),
    "round": _finite(_rounded),
    "times": _finite(lambda value, other: value * other),
}
OF_RUN: dict[str, Callable[..., Any]] = {
    "currency": currency,
    "format_number": format_number,
    "random": random,
    "rounded_currency": rounded_currency,
}
