"""The quick tests: files that together reach most lines in least time.

A pytest plugin: `--quick` runs these alone. They were chosen by measuring: one after the other, the
file that reaches most lines not yet reached, for the time that it takes.
"""

from __future__ import annotations

import pytest

from tests.support.project import ROOT

QUICK = (
    "architecture/test_imports.py",
    "backends/approvals/test_choice.py",
    "backends/approvals/test_contract.py",
    "backends/ledger/test_foreign_files.py",
    "backends/pacing/test_redis.py",
    "backends/telemetry/test_audit.py",
    "backends/telemetry/test_events.py",
    "backends/telemetry/test_otel.py",
    "backends/test_shared_reads.py",
    "calls/retry/test_doubt.py",
    "calls/test_another_object.py",
    "calls/test_asynchronous.py",
    "calls/test_budget.py",
    "calls/test_cancellation.py",
    "calls/test_doubts_about_people.py",
    "calls/test_dry_run.py",
    "calls/test_questions.py",
    "calls/test_waiting_for_a_slot.py",
    "connection/test_check_stores.py",
    "connection/test_client.py",
    "connection/test_region.py",
    "connection/test_secrecy.py",
    "connection/test_service_account.py",
    "connection/test_warm.py",
    "doors/bulk/test_jobs.py",
    "doors/bulk/test_reading.py",
    "doors/bulk/test_run_rows.py",
    "doors/workbench/test_start.py",
    "doors/workbench/test_tool_exports.py",
    "doors/workbench/test_tool_page.py",
    "doors/workbench/test_try.py",
    "doors/workbench/test_try_live.py",
    "doors/workbench/test_try_same_call.py",
    "policy/test_closed.py",
    "policy/test_confirm_per_effect.py",
    "policy/test_encoded_recipients.py",
    "policy/test_hidden_attributes.py",
    "policy/test_hidden_everywhere.py",
    "policy/test_hidden_oracles.py",
    "policy/test_loading.py",
    "policy/test_narrowing.py",
    "policy/test_read_only.py",
    "policy/test_recipients.py",
    "policy/test_schema.py",
    "project/test_studio_page.py",
    "sandbox/console/test_forms.py",
    "sandbox/console/test_messages_pages.py",
    "sandbox/console/test_queries.py",
    "sandbox/test_campaigns_and_broadcasts.py",
    "sandbox/test_framing.py",
    "sandbox/test_liquid_language.py",
    "sandbox/test_messages.py",
    "sandbox/test_people.py",
    "sandbox/test_request_log.py",
    "sandbox/test_site_id.py",
    "sandbox/test_snapshots.py",
    "sandbox/test_switches.py",
    "sandbox/test_track_v2.py",
    "subtools/test_campaigns.py",
    "subtools/test_inventory.py",
    "subtools/test_lookup_tasks.py",
    "subtools/test_lookups.py",
    "subtools/test_messages.py",
    "subtools/test_people.py",
    "subtools/test_wrong_calls.py",
    "test_listing.py",
    "test_tool_keywords.py",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.addoption("--quick", action="store_true", help="Run the tests that tell most at once.")


def pytest_configure(config: pytest.Config) -> None:
    """Collect the quick tests alone, where no others are named."""
    if config.getoption("--quick") and config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args[:] = [str(ROOT / "tests" / each) for each in QUICK]
