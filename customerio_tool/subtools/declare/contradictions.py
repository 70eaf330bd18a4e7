"""Finds what contradicts itself in the declaration of a subtool."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from customerio_tool.subtools.declare.endpoint import Effect, Endpoint, Retry

if TYPE_CHECKING:
    from customerio_tool.subtools.declare.subject import About
    from customerio_tool.subtools.declare.subtool import Subtool


def contradictions_of(subtool: Subtool[Any]) -> dict[str, bool]:
    """Return the possible contradictions of a declaration, each with whether it has that one."""
    return {
        "a slot of the path is no argument": any(
            set(each.slots) - set(subtool.argument_names) for each in subtool.endpoints
        ),
        "the narrower endpoint has no slot of its own": subtool.narrower_endpoint is not None
        and subtool.narrower_when is None
        and set(subtool.narrower_endpoint.slots) <= set(subtool.endpoint.slots),
        "the endpoints differ in API or method": _differ(subtool),
        "a GET has no body": subtool.endpoint.method == "GET" and subtool.body is not None,
        "a GET can only be a read": not subtool.effect.read_only
        and subtool.endpoint.method == "GET",
        "a read is a GET, or a search by POST": subtool.effect.read_only
        and subtool.endpoint.method not in ("GET", "POST"),
        "only a read can be a look-up": subtool.is_lookup and not subtool.effect.read_only,
        "a send needs `look`": subtool.effect.retry is not Retry.ALWAYS and subtool.look is None,
        "a create needs `verify`": subtool.effect.retry is Retry.VERIFY and subtool.verify is None,
        "an erase needs `target`": subtool.effect is Effect.ERASE and subtool.target is None,
        "a call that a person may be asked about needs `plan`": subtool.plan is None
        and (subtool.effect.asked_first or subtool.target is not None),
        "a send needs `reach`": subtool.effect is Effect.SEND and subtool.reach is None,
        "an event needs `may_start_campaigns`": subtool.effect is Effect.RECORD
        and not subtool.may_start_campaigns,
        "a read needs `people`": _has_reads(subtool) and subtool.people is None,
        "a read of one object needs `about`": any(
            endpoint.slots and about is None for endpoint, about in _reads_of_objects(subtool)
        ),
        "an event needs `data_argument`": (
            subtool.effect is Effect.RECORD and subtool.data_argument is None
        ),
        "a send needs `file_arguments`": (
            subtool.effect is Effect.SEND and subtool.file_arguments is None
        ),
        "a send needs `key_argument`": subtool.effect is Effect.SEND
        and subtool.key_argument is None,
        "a send needs `ledger_keeps`": subtool.effect is Effect.SEND
        and subtool.ledger_keeps is None,
        "a member is kept that no result has": bool(
            set(subtool.ledger_keeps or ()) - subtool.shape.returns.keys()
        ),
        "an argument is named that it does not have": bool(
            _named_arguments(subtool) - set(subtool.argument_names)
        ),
        "at least two examples": len(subtool.examples) < 2,
    }


def _differ(subtool: Subtool[Any]) -> bool:
    """Whether the endpoints differ in API, or in method where that is not chosen by the call."""
    if subtool.narrower_when is None:
        return len({(each.api, each.method) for each in subtool.endpoints}) > 1
    return len({each.api for each in subtool.endpoints}) > 1


def _has_reads(subtool: Subtool[Any]) -> bool:
    return subtool.effect.read_only or bool(subtool.second_read or subtool.verify)


def _reads_of_objects(subtool: Subtool[Any]) -> list[tuple[Endpoint, About | None]]:
    """Return the endpoints that are read, each with the check of its reply."""
    own = subtool.endpoints if subtool.effect.read_only else []
    others = [each for each in (subtool.second_read, subtool.verify) if each is not None]
    return [*((each, subtool.about) for each in own), *((o.endpoint, o.about) for o in others)]


def _named_arguments(subtool: Subtool[Any]) -> set[str]:
    """Return the arguments that `basic` and the `…_argument` and `…_arguments` fields name."""
    named = {subtool.person_argument, subtool.person_type_argument, subtool.data_argument}
    named |= {subtool.key_argument, *(subtool.file_arguments or ()), *(subtool.basic or ())}
    named |= {subtool.target.name_argument} if subtool.target else set()
    return {name for name in named if name is not None}
