"""The entry points beside the Python API: the command line and the pytest plugin."""
