"""The window: everything that a person or a script sees. Values come in, text goes out."""
