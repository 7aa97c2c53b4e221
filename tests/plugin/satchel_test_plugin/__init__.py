"""Codecs for Satchel's tests: two that work, and three entry points that do not."""
