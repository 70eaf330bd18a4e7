"""The workspaces that a sandbox can begin with."""
