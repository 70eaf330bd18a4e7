"""Generates the published contract: schemas, manifest and the README's tables."""
