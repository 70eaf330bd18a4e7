"""The doors of `customerio-tool serve`: JSON calls with an OpenAPI document, over HTTP."""
