"""The console: web pages that show the workspace, the request log, and what can be switched."""
