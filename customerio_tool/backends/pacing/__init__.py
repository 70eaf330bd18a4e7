"""Paces requests within the vendor's rate limits, in one process or among many."""
