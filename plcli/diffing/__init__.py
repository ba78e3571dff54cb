"""Differences between requests, answers and files of then and now: where they are, and what makes them."""
