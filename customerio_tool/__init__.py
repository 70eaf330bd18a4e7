"""The Customer.io tool for AI agents."""
