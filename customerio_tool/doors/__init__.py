"""How a host, a person or a test comes in."""
