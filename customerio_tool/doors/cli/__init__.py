"""The command line: the commands of `customerio-tool`."""
