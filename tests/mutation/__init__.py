"""Breaks the code on purpose, one place at a time, and sees whether a test notices."""
