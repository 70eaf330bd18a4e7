"""Arguments, argument types and helpers for the modules that declare subtools."""
