"""Tools made of Python functions by reading their source."""
