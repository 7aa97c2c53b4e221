"""The public vectors, of which a copy stands next to the repository, or none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

VECTORS = Path(__file__).resolve().parents[3] / "shared" / "vectors"


def manifest() -> list[dict[str, Any]]:
    """Give what is said of each vector; nothing when they are not here."""
    listed: list[dict[str, Any]] = json.loads((VECTORS / "manifest.json").read_text()) if VECTORS.is_dir() else []
    return listed
