"""Checks of the settings that the builder and the reader have in common."""

from __future__ import annotations

from datetime import tzinfo

from satchel.message.times import shown
from satchel.pipeline import Pipeline
from satchel.registry import celery_registry


def pipeline_or_default(value: object) -> Pipeline:
    """Take a Pipeline, or None for the default: JSON only, in Celery's dialect."""
    if value is None:
        return Pipeline(["json"], registry=celery_registry)
    if not isinstance(value, Pipeline):
        raise TypeError(f"pipeline must be a Pipeline, such as Pipeline(['json']), or None, got {shown(value)}")
    return value


def zone(value: object) -> tzinfo:
    """Take a tzinfo."""
    if not isinstance(value, tzinfo):
        raise TypeError(f"timezone must be a tzinfo, such as ZoneInfo('Asia/Tokyo'), got {shown(value)}")
    return value
