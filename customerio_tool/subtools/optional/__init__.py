"""The look-ups: reads beside the product's page, off by default. Each module is found by itself."""
