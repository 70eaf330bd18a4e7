"""What a server offers: the options that narrow the environment's policy."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import typer

from customerio_tool.details import Detail
from customerio_tool.doors.cli.connecting import env_policy
from customerio_tool.doors.cli.display import fail
from customerio_tool.doors.cli.exit_codes import Exit
from customerio_tool.policy import Policy
from customerio_tool.policy.narrowing import with_only, with_preset
from customerio_tool.sets import PURPOSES, named
from customerio_tool.subtools import all_subtools, subtools
from customerio_tool.subtools.declare import Api

PresetWord: TypeAlias = Literal["careful", "read_only", "open"]

Only = Annotated[
    str | None,
    typer.Option(
        "--only",
        metavar="NAME,NAME",
        help=f"Offer only these subtools, or those of a set: {', '.join(PURPOSES)}.",
    ),
]
Preset = Annotated[
    PresetWord, typer.Option("--preset", help="Policy: what may run, and what is asked for.")
]
ReadOnly = Annotated[
    bool, typer.Option("--read-only", help="Offer reads alone, whatever the preset is.")
]

DetailOf = Annotated[
    Detail, typer.Option("--detail", help="How much of the definitions a model is shown.")
]


def policy_of(
    preset: PresetWord, only: str | None, *, read_only: bool, lookups: bool = False
) -> Policy:
    """Return what the environment's policy and all the options allow.

    Args:
        preset: The name of a preset.
        only: Names of subtools or sets with commas between them; None leaves all.
        read_only: Whether to leave reads alone.
        lookups: Whether the look-ups are on, unless the environment's policy keeps them off.

    Raises:
        ConnectionInvalid: The environment's policy cannot be used.
        SubtoolUnknown: There is no subtool of a name.
    """
    policy = with_preset(env_policy(lookups=lookups), preset)
    if read_only:
        policy = with_preset(policy, "read_only")
    if only is None:
        return policy
    return with_only(policy, named(name.strip() for name in only.split(",")))


def apis_of(policy: Policy) -> frozenset[Api]:
    """Return the APIs of the subtools that may run.

    Raises:
        Exit: None may run; that was printed.
    """
    known = all_subtools() if policy.lookups else subtools()
    offered = [each for each in known.values() if policy.allows(each)]
    if not offered:
        fail("There is nothing to offer: the policy allows no subtool.", Exit.POLICY)
    return frozenset(api for each in offered for api in each.apis)
