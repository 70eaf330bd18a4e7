"""Subtools that are not on the product's page, each one file as the documentation's recipe has it.

No tool has them: `test_a_25th_subtool.py` adds them to a copy of the project.
"""
