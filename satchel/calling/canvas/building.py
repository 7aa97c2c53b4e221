"""How signatures come together as Celery's canvas has it: chains are flat, and a group that is followed is a chord."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

from satchel.calling.canvas.chains import Chain
from satchel.calling.canvas.chords import Chord
from satchel.calling.canvas.composed import app_of
from satchel.calling.canvas.groups import Group
from satchel.calling.sendable import Sendable
from satchel.calling.signature import Signature
from satchel.message.times import shown

if TYPE_CHECKING:
    from satchel.calling.canvas.composed import Member, Step


def chain(*signatures: Sendable | Iterable[Sendable]) -> Chain:
    """Make a chain: ``chain(a.s(1), b.s(), c.s())``, the same as ``a.s(1) | b.s() | c.s()``.

    Each task gets the result of the one before it as its first argument, unless its signature is immutable. A group
    that another task follows becomes the header of a chord, and that task its body. As in Celery, a group of one
    task counts as this task, and a group of none as nothing.

    Args:
        signatures: signatures, groups, chords and chains; or one iterable of them.

    Raises:
        TypeError: one is none of these.
        ValueError: there is none, or they are of several applications.
    """
    given = _members("chain", signatures)
    steps: list[Step] = []
    for each in given:
        _append(steps, each)
    if not steps:
        if not given:
            raise ValueError("a chain needs a signature: chain(a.s(1), b.s())")
        steps.append(Group(()))  # It was made of empty groups.
    return Chain(tuple(steps))


def group(*signatures: Sendable | Iterable[Sendable]) -> Group:
    """Make a group: ``group(add.s(i, i) for i in range(10))``.

    Args:
        signatures: signatures, chains, chords and groups, whose tasks become the group's; or one iterable of them.

    Raises:
        TypeError: one is none of these.
        ValueError: they are of several applications.
    """
    return Group(tuple(task for each in _members("group", signatures) for task in _side_by_side(each)))


def chord(header: Sendable | Iterable[Sendable], body: Sendable | None = None) -> Chord:
    """Make a chord: ``chord([add.s(1, 1), add.s(2, 2)], total.s())``, or ``chord([…])(total.s())`` to send it at once.

    Args:
        header: a group, or what `group` takes.
        body: what runs with the list of the header's results.

    Raises:
        TypeError, ValueError: see `group`.
    """
    made = Chord(group(header))
    return made if body is None else made.with_body(body)


def steps_of(composed: Member) -> list[Step]:
    """Give what runs one after another, with the bodies of chords taken apart: no message then holds a task twice.

    Raises:
        TypeError: a chord has no body.
    """
    if isinstance(composed, Chain):
        return [step for task in composed.steps() for step in steps_of(task)]
    if isinstance(composed, Chord):
        if composed.body is None:
            raise TypeError(f"the chord has no body: chord(header, body); its header: {composed.header!r}")
        first, *rest = steps_of(composed.body)
        return [Chord(composed.header, first, composed.options), *rest]
    return [composed]


def _append(steps: list[Step], other: Member) -> None:
    """Put one more task behind others."""
    last = steps[-1] if steps else None
    if isinstance(other, Chain):
        for step in other.steps():
            _append(steps, step)
    elif isinstance(other, Group) and len(other.tasks) < 2:
        for task in other.tasks:
            _append(steps, task)
    elif isinstance(last, Group):
        steps[-1] = Chord(last, other)
    elif isinstance(last, Chord) and last.body is not None and _ends_in_group(last.body):
        # The results of that group are what comes next waits for.
        followed: list[Step] = []
        _append(followed, last.body)
        _append(followed, other)
        steps[-1] = Chord(last.header, followed[0] if len(followed) == 1 else Chain(tuple(followed)), last.options)
    else:
        if isinstance(other, Chord):
            steps_of(other)
        steps.append(other)


def _ends_in_group(composed: Member) -> bool:
    last = steps_of(composed)[-1]
    return _ends_in_group(cast("Member", last.body)) if isinstance(last, Chord) else isinstance(last, Group)


def _side_by_side(composed: Member) -> tuple[Member, ...]:
    if isinstance(composed, Chain):
        steps = composed.steps()
        return (composed,) if len(steps) > 1 else _side_by_side(steps[0])
    return composed.tasks if isinstance(composed, Group) else (composed,)


def _members(what: str, given: tuple[Any, ...]) -> list[Member]:
    if len(given) == 1 and not isinstance(given[0], Mapping) and isinstance(given[0], Iterable):
        given = tuple(given[0])
    members = [member(what, each) for each in given]
    apps = [app for app in map(app_of, members) if app is not None]
    for app in apps:
        if app is not apps[0]:
            raise ValueError(f"a {what} is of one application, not of {apps[0]!r} and {app!r}")
    return members


def member(what: str, value: object) -> Member:
    """Take a signature, or what signatures were composed to.

    Raises:
        TypeError: it is neither.
    """
    if not isinstance(value, (Signature, Chain, Group, Chord)):
        cure = "such as add.s(1); App.signature(name, args) makes one of a name"
        raise TypeError(f"a {what} is made of signatures, {cure}, got {shown(value)}")
    return value
