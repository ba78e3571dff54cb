"""Programs, Python functions and servers that answer calls of tools, and what may run of them."""
