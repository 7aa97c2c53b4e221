"""Connections to the broker: over kombu's transports, in a pool, and what may carry a message instead."""
