"""What becomes of one call, from what was asked to its envelope."""
