"""The addresses of Customer.io's reference, to which a subtool adds the name of its endpoint."""

TRACK_PAGES = "https://docs.customer.io/api/track/#operation/"

APP_PAGES = "https://docs.customer.io/integrations/api/app/"

APP_OPERATIONS = "https://docs.customer.io/api/app/#operation/"
"""The older reference of the App API, for endpoints without a page in the new one."""
