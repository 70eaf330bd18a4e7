"""The subtools as tools of an agent framework; a module imports its framework on first use."""
