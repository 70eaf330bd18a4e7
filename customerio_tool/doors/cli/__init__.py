"""The shell: the commands of `customerio-tool`."""
