"""Snapshots: a property or a company as tables on disk."""
