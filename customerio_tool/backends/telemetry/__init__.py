"""Who is told of calls: the log, an audit trail, OpenTelemetry."""
