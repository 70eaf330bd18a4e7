"""The assistant of the page Agent: a model behind an endpoint, or the demo's script without one."""
