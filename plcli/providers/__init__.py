"""Providers: one file per provider and api, each a module with the functions of `registry.Adapter`."""
