"""The HTTP server: routes, limits of pace, faults, and the log of requests."""
