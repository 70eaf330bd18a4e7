"""Behaviour of the local Customer.io, over real HTTP."""
