"""Base URLs of Customer.io's API reference; a subtool appends the name of its endpoint."""

TRACK_PAGES = "https://docs.customer.io/api/track/#operation/"

APP_PAGES = "https://docs.customer.io/integrations/api/app/"

APP_OPERATIONS = "https://docs.customer.io/api/app/#operation/"
"""The older reference of the App API, for endpoints that the new one has no page for."""
