"""Telemetry of calls: the log, an audit trail, OpenTelemetry."""
