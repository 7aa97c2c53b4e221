"""Chains, groups and chords of Celery's canvas: built here, sent to stock workers, which carry them on."""

from __future__ import annotations

from satchel.calling.canvas.building import chain, chord, group
from satchel.calling.canvas.chains import Chain
from satchel.calling.canvas.chords import Chord
from satchel.calling.canvas.freezing import ChordsUnsupported
from satchel.calling.canvas.groups import Group

__all__ = ["Chain", "Chord", "ChordsUnsupported", "Group", "chain", "chord", "group"]
