"""Behaviour of the local Customer.io, over real HTTP.

The tags in the docstrings are spelled out in ``customerio_tool/sandbox/__init__.py``.
"""
