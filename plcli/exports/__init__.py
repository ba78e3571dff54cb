"""Exports: logged runs in forms for others, as commands, scripts, lines of a batch, and tables."""
