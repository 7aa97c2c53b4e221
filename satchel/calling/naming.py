"""Errors for names that are not known: each with the nearest one that is."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(name: object, known: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """Give the known name that is most like `name`, or None when none is."""
    import difflib  # 6 ms to import, and only errors need it.

    near = difflib.get_close_matches(name, list(known), n=1, cutoff=cutoff) if isinstance(name, str) else []
    return near[0] if near else None


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """Write the end of an error message about a name that is not known."""
    names = sorted(known)
    near = nearest(name, names)
    return f"did you mean {near!r}?" if near else f"known: {', '.join(names) or 'none'}"
