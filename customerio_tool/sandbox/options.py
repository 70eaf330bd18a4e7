"""The settings of a workspace, and switches for behaviour that no source settles.

No document of the vendor states the behaviour behind a switch marked UNVERIFIED. The comment gives
the reason for its default.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal
from urllib.parse import urlsplit

from . import declared
from .refusal import Kind

_CREDENTIALS = frozenset(
    {"site_id", "track_api_key", "app_api_key", "restricted_app_key", "service_account_token"}
)
_NOT_NEGATIVE = (
    "idle_timeout",
    "file_timeout",
    "requests_kept",
    "delay_seconds",
    "trigger_interval",
    "trigger_queue",
    "trigger_duration",
    "sent_after",
    "delivered_after",
    "listed_after",
)


@dataclass(frozen=True)
class Options:
    """Settings of one local Customer.io. Times are seconds, sizes bytes."""

    # --- the workspace; everybody knows these keys, so with them no web page is served
    site_id: str = "sandbox-site"  # ``Sandbox.site_id`` adds the digits of the workspace
    track_api_key: str = "sandbox-track-key"
    app_api_key: str = "sandbox-app-key"
    restricted_app_key: str = "sandbox-restricted-app-key"  # a key without scope: always 403
    service_account_token: str = "sa_live_sandbox"  # noqa: S105 - needs X-Workspace-Id: environment_id
    region: Literal["us", "eu"] = "us"
    environment_id: int = 4001
    email_is_identifier: bool = True  # false: several people may share an e-mail address
    email_change_by_id: bool = False  # workspace setting "Allow updates to email using ID"
    auto_merge: bool = True  # "Multi-identifier profile merge", on since September 2021 (AM)
    push_enabled: bool = True  # false: a push answers 403
    merge_anonymous_events: bool = True  # workspace setting, on for new workspaces (AN)

    # --- the wire
    max_body: int = 32_000_000  # above the largest documented payload (broadcast, 25 MB)
    idle_timeout: float = 75.0
    file_timeout: float = 5.0  # a broadcast's file must have come whole by then
    requests_kept: int = 10_000  # the log keeps this many, the newest; 0: all, however many
    fault_header: bool = False  # whether a request may ask for a fault by X-Sandbox-Fault

    # --- limits and pace
    delay_seconds: float = 0.0  # Track writes are accepted at once and applied this much later
    rate_limits: Literal["relaxed", "strict"] = "relaxed"  # strict: see ``pace``
    track_redirect_url: str | None = None  # redirect Track calls, as the wrong region does
    track_redirect_status: Literal[301, 302, 307, 308] = 301
    trigger_interval: float = 10.0  # least seconds between triggers of a broadcast; 0: none
    trigger_queue: int = 5
    trigger_duration: int = 0  # how long a trigger waits in the queue
    sent_after: int = 0
    delivered_after: int = 2
    listed_after: int = 0  # message lists show a delivery this late: how late is UNVERIFIED

    # --- people: UNVERIFIED, unless the comment names a source
    null_attribute: Literal["delete", "ignore"] = "delete"  # our tool promises that null deletes
    underscore_attributes: Literal["ignore", "store"] = "ignore"  # such names are system-made (RA)
    identify_renames: bool = True  # T's tip; its text has only the cio_ path change what is set
    number_ids: Literal["text", "refuse"] = "text"  # T has strings, the clients also numbers
    equal_timestamp: Literal["overwrite", "keep"] = "overwrite"  # then a repeated call is harmless
    nested_attributes: Literal["store", "ignore"] = "store"  # a page of the vendor says so
    foreign_cio_id: Literal["refuse", "ignore"] = "refuse"  # a field report says 400
    events_create_people: bool = True  # reports from production (fact event-unknown-person)
    invalid_timestamp: Literal["now", "refuse"] = "now"  # vendor staff, in another's repository
    device_moves: bool = False  # vendor staff: clients must take a token from the first person
    merge_moves_devices: bool = False  # T's list of moved data has no devices
    merge_moves_identifiers: bool = True  # e-mail and id are attributes the primary may lack
    merge_renames_deliveries: bool = True  # the history moves, so its messages name the primary
    # --- segments: UNVERIFIED, unless the comment names a source
    segment_add_creates_people: bool = False  # an old text says create, a later one ignore
    segment_unusable: Kind = "invalid"  # missing or dynamic; an older text has 404 for missing
    segment_remove_by: Literal["any", "id"] = "any"  # T has id_type, its text asks for ids
    delete_dynamic_segment: Kind = "invalid"
    delete_used_segment: Kind | Literal["allow"] = "allow"  # no conflict is documented
    duplicate_segment_name: Kind | Literal["allow"] = "allow"  # no conflict is documented
    # --- Liquid: UNVERIFIED, unless the comment names a source
    missing_attribute: Literal["fail", "blank"] = "fail"  # the vendor's page on failed messages
    missing_namespace: Literal["blank", "fail"] = "blank"  # the vendor's guide for agents
    # --- messages and broadcasts: UNVERIFIED, unless the comment names a source
    unknown_template: Kind = "invalid"  # a page of the vendor lists it under 400 (TE)
    send_several_identifiers: Literal["refuse", "take"] = "refuse"  # take: an id wins, then email
    send_requires_identifiers: bool = True  # the schema does not; every official client sends them
    send_requires_from: bool = False  # the schema: omit it to use the workspace's default sender
    send_creates_people: bool = True  # the official Python README says so
    several_audiences: Kind = "unprocessable"  # BE
    broadcast_not_running: Kind = "unprocessable"
    trigger_queue_full: Kind = "too_many"
    steps_over_maximum: Literal["refuse", "clamp"] = "refuse"
    last_page_next: str | None = ""  # None: the last page has no ``next``

    def __new__(cls, *_: Any, **given: Any) -> Options:
        """Refuse an unknown name with the nearest. Raises TypeError, as Python does."""
        for name in sorted(given.keys() - cls.__dataclass_fields__.keys()):
            hint = declared.nearest(name, cls.__dataclass_fields__)
            raise TypeError(f"options has no member {name!r}: {hint}")
        return super().__new__(cls)

    @classmethod
    def of(cls, given: Options | Mapping[str, Any] | None) -> Options:
        """Options from a mapping of their names; none given means all defaults.

        Raises:
            ValueError: an unknown name, or a value of the wrong type.
        """
        if isinstance(given, Options):
            return given
        return declared.read(cls, {} if given is None else given, "options")

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        declared.check(Options, vars(self), "options")
        for name in _NOT_NEGATIVE:
            if getattr(self, name) < 0:
                raise ValueError(f"options.{name} must be 0 or more")
        if self.max_body < 1:
            raise ValueError("options.max_body must be 1 or more")
        if self.track_redirect_url is not None and not _is_origin(self.track_redirect_url):
            raise ValueError(
                "options.track_redirect_url must be an origin such as https://track-eu.example"
            )

    def changed(self, changes: Mapping[str, Any]) -> Options:
        """A copy with some options changed, for a running sandbox.

        Raises:
            ValueError: an unknown option, a value of the wrong type, or a credential.
        """
        given = declared.check(Options, changes, "options")
        for name in sorted(_CREDENTIALS & set(given)):
            raise ValueError(f"options.{name} is settled when the sandbox starts")
        return replace(self, **given)

    @property
    def has_known_key(self) -> bool:
        """Whether a key is the one that everybody knows, so that any web page could use it."""
        return (
            self.track_api_key == Options.track_api_key or self.app_api_key == Options.app_api_key
        )

    @property
    def takes_service_account(self) -> bool:
        """Whether the service account's token opens anything: not if it is the only known key."""
        is_known = self.service_account_token == Options.service_account_token
        return not is_known or self.app_api_key == Options.app_api_key

    def with_own_keys(self) -> Options:
        """A copy in which a blank key, and one that everybody knows, is drawn anew."""
        drawn: dict[str, Any] = {
            name: secrets.token_urlsafe(24)
            for name in ("track_api_key", "app_api_key")
            if getattr(self, name).strip() in ("", getattr(Options, name))
        }
        return replace(self, **drawn)

    def shown(self) -> dict[str, Any]:
        """All options except the credentials."""
        return {name: each for name, each in asdict(self).items() if name not in _CREDENTIALS}


def _is_origin(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    rest = parts.path or parts.query or parts.fragment or parts.username
    plain = url.isascii() and url.isprintable() and " " not in url
    return plain and parts.scheme in ("http", "https") and bool(parts.hostname) and not rest
