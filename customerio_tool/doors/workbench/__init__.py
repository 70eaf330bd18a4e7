"""The workbench: web pages on which a person saves a connection, tries calls and approves them."""
