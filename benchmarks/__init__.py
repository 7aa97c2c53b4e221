"""Satchel beside its peers and the raw libraries, in one process, interleaved."""
