"""Measures how well a model finds the right subtool by the words of its definition.

`python -m evals --help` says what it does; `evals/results.md` says what it showed.
"""
