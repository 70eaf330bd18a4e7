"""Agents of each framework on a tool, whose model is a script: one shape for the tests of all."""
