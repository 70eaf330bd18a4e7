"""`main`: one call of a subtool, in the form in which a studio calls a tool of its own."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping, Sequence
from typing import Any

from customerio_tool.calls.call import CallContext
from customerio_tool.doors.credentials import VARIABLES, apis_given
from customerio_tool.doors.studio.names import arguments_of, captured_of
from customerio_tool.doors.studio.shapes import (
    answer,
    arguments_in,
    object_in,
    run_in,
    subtool_in,
)
from customerio_tool.errors import (
    ArgumentsInvalid,
    ConnectionInvalid,
    CustomerIoError,
    FieldProblem,
    OutcomeUnknown,
    PolicyRefused,
    SubtoolUnknown,
)
from customerio_tool.policy import Policy
from customerio_tool.secret import Secret
from customerio_tool.subtools import all_subtools, find
from customerio_tool.subtools.declare import Subtool
from customerio_tool.tool import CustomerIoTool

_log = logging.getLogger("customerio_tool")


def main(inputs: Any = None, env_variables: Any = None) -> dict[str, Any]:
    """Run a subtool as a studio runs a tool; it never raises an `Exception`.

    Args:
        inputs: The variables, as a mapping or JSON text. `subtool` names the subtool; `arguments`
            holds its arguments, or each is a variable of its own.
        env_variables: The variables of the environment, as `CustomerIoTool.from_env` reads them;
            or the fields of a saved connection under their own names. By default the variables of
            the process.

    Returns:
        `output`, the result envelope; `captured_variables` and `capture_variables`, both with the
        same flags, numbers and ids of the result, and no personal data.
    """
    names: Sequence[str] = ()
    try:
        given = _inputs(inputs)
        subtool = _subtool(given, Secret(env_variables))
        names = captured_of(subtool)
        envelope = _called(subtool, given, Secret(env_variables))
    except CustomerIoError as error:
        envelope = error.as_result()
    except Exception as error:  # its text may hold a value
        envelope = ArgumentsInvalid(
            f"Nothing was sent: {type(error).__name__} while inputs and env_variables were read; "
            "give plain JSON values."
        ).as_result()
    return answer(envelope, names)


def _inputs(given: Any) -> dict[str, Any]:
    found = object_in(given)
    if found is not None:
        return found
    problem = FieldProblem("inputs", "is not an object", "give a mapping, or a JSON object as text")
    raise ArgumentsInvalid(f"Nothing was sent. {problem}.", fields=[problem])


def _subtool(inputs: Mapping[str, Any], env_variables: Secret[Any]) -> Subtool[Any]:
    known = {name: each.argument_names for name, each in all_subtools().items()}
    name = subtool_in(inputs, known)
    if name is None:
        raise SubtoolUnknown(
            "Nothing was sent: the inputs do not name one subtool; give its name as `subtool`, "
            "such as track_event."
        )
    try:
        return find(name)
    except SubtoolUnknown:  # it may suggest a look-up
        policy = Policy.from_env(_environment(env_variables).reveal())
        return find(name, has_lookups=policy.lookups is True)


def _called(
    subtool: Subtool[Any], inputs: Mapping[str, Any], env_variables: Secret[Any]
) -> dict[str, Any]:
    context = CallContext(run_id=run_in(inputs), door="studio")
    environment = _environment(env_variables)
    with _tool(subtool, environment) as tool:
        arguments = arguments_in(inputs, subtool.name, arguments_of(subtool))
        try:
            envelope = tool.call(subtool.name, arguments, context=context)
        except Exception as error:
            _log.error("the studio's call raised %s", type(error).__name__)
            envelope = OutcomeUnknown(
                f"The tool failed with {type(error).__name__}, which is an error of its own. "
                "It is not known whether the call took effect."
            ).as_result()
        if "confirmation_id" in envelope and not tool.shares_approvals:
            tool.decline(envelope["confirmation_id"], context=context)
            envelope = _nobody_can_approve(subtool.name).as_result()
    return envelope


def _nobody_can_approve(subtool: str) -> PolicyRefused:
    return PolicyRefused(
        f"Nothing was sent: {subtool} needs a person's approval, and the call would wait in this "
        "process, where nobody can give it. The builder can let the studio's governance ask, with "
        "Human approval for this action and CUSTOMERIO_CONFIRM=never for the tool; or let it wait "
        "where others find it, by CUSTOMERIO_LEDGER_FILE or CUSTOMERIO_REDIS_URL and the extra "
        "approvals."
    )


def _tool(subtool: Subtool[Any], environment: Secret[dict[str, str]]) -> CustomerIoTool:
    try:
        return CustomerIoTool.from_env(
            environment.reveal(), apis=subtool.apis | apis_given(environment.reveal())
        )
    except (ImportError, ValueError) as error:  # about CUSTOMERIO_REDIS_URL
        refusal = ConnectionInvalid(f"The connection cannot be used. {error}")
    raise refusal


def _environment(env_variables: Secret[Any]) -> Secret[dict[str, str]]:
    """Return the variables as text; a field of a connection stands for its variable."""
    if env_variables.reveal() is None:
        return Secret(dict(os.environ))
    found = Secret(object_in(env_variables.reveal()))
    if found.reveal() is None:
        problem = FieldProblem("env_variables", "is not an object", "give a mapping of variables")
        raise ConnectionInvalid(f"The connection cannot be used. {problem}.", fields=[problem])
    given = Secret({n: _text(v) for n, v in (found.reveal() or {}).items() if v is not None})
    if given.reveal().keys() & set(VARIABLES.values()):
        return given
    names = {**VARIABLES, "policy": "CUSTOMERIO_POLICY", "lookups": "CUSTOMERIO_LOOKUPS"}
    return Secret({names.get(key, key): value for key, value in given.reveal().items()})


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
