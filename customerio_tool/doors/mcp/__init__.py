"""The door for MCP hosts: a server over stdio and streamable HTTP (extra `mcp`)."""
