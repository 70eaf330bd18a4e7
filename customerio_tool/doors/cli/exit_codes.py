"""The exit codes of the commands, and what each means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import IntEnum
from http import HTTPStatus
from typing import Any

from customerio_tool import errors
from customerio_tool.doors.bulk.job import InputChanged, InputInvalid, JobUnknown


class Exit(IntEnum):
    """The exit codes of `customerio-tool`."""

    OK = 0
    OTHER = 1
    ARGUMENTS = 2
    CONNECTION = 3
    POLICY = 4
    SERVICE = 5
    UNKNOWN = 6
    WAITING = 7
    INTERRUPTED = 130


MEANINGS: Mapping[Exit, str] = {
    Exit.OK: "success",
    Exit.OTHER: "refused by Customer.io, or any other failure",
    Exit.ARGUMENTS: "invalid arguments or options, or an extra is not installed",
    Exit.CONNECTION: "invalid credentials or configuration",
    Exit.POLICY: "refused by the policy or by a person",
    Exit.SERVICE: "Customer.io failed or was unreachable; repeat it later",
    Exit.UNKNOWN: "the outcome is unknown; look before you repeat it",
    Exit.WAITING: "the call waits to be confirmed",
    Exit.INTERRUPTED: "Ctrl-C ended the demo or a bulk job; the job goes on if you repeat it",
}
"""What each exit code means; the help and the skill tell it in these words."""

_OF_ERROR: Mapping[type[errors.CustomerIoError], Exit] = {
    errors.ConnectionInvalid: Exit.CONNECTION,
    errors.CredentialsRejected: Exit.CONNECTION,
    errors.PermissionDenied: Exit.CONNECTION,
    errors.Unreachable: Exit.SERVICE,
    errors.SubtoolUnknown: Exit.ARGUMENTS,
    errors.ArgumentsInvalid: Exit.ARGUMENTS,
    errors.SubtoolDisabled: Exit.POLICY,
    errors.PolicyRefused: Exit.POLICY,
    errors.ConfirmationRequired: Exit.WAITING,
    errors.ConfirmationUnknown: Exit.POLICY,
    InputInvalid: Exit.ARGUMENTS,
    InputChanged: Exit.ARGUMENTS,
    JobUnknown: Exit.ARGUMENTS,
}
_OF_CODE = {error.code: exit_code for error, exit_code in _OF_ERROR.items()}
_OF_STEP = {"wait": Exit.SERVICE, "look_first": Exit.UNKNOWN}


def exit_of_call(result: Mapping[str, Any]) -> Exit:
    """Return the exit code for a result envelope of a call.

    A refusal by Customer.io (`not_found`, `request_rejected`) is OTHER, so that a script can
    distinguish "no such person" from invalid arguments. An error whose next step is `wait` is
    SERVICE, and one whose next step is `look_first` is UNKNOWN.
    """
    if result["ok"]:
        return Exit.OK
    by_step = _OF_STEP.get(result["error"]["next_step"], Exit.OTHER)
    return _OF_CODE.get(result["error"]["code"], by_step)


def exit_of_check(result: Mapping[str, Any]) -> Exit:
    """Return the exit code for the result of a connection test."""
    if result["ok"]:
        return Exit.OK
    statuses = list(_statuses_of_failures(result))
    return Exit.CONNECTION if any(map(_blames_connection, statuses)) else Exit.SERVICE


def _statuses_of_failures(result: Mapping[str, Any]) -> Iterator[int | None]:
    for api in ("track", "app"):
        if api in result and not result[api]["ok"]:
            yield result[api].get("http_status")


def _blames_connection(status: int | None) -> bool:
    """Return whether a failure's status means a wrong key, region or URL, not a failing service."""
    if status is None or status == HTTPStatus.TOO_MANY_REQUESTS:
        return False
    return status < HTTPStatus.INTERNAL_SERVER_ERROR
