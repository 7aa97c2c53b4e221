"""What tests of waiting share: a result backend whose tasks go from one state to the next."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from satchel.calling.results import PENDING, Record
from satchel.calling.results.waiting import poll


def state(name: str, result: Any = None, **fields: Any) -> Record:
    return Record(name, result, raw={"status": name, "result": result, **fields})


class Scripted:
    """A backend whose tasks go from one state to the next at every look; an exception in a script is raised."""

    reply_to = None

    def __init__(self, **scripts: list[Record | Exception]) -> None:
        self.scripts = {name: list(script) for name, script in scripts.items()}
        self.looks = 0
        self.forgotten: list[str] = []
        self.groups: dict[str, Any] = {}

    def prepare(self, channel: Any) -> None: ...

    def close(self) -> None: ...

    def fetch(self, task_id: str) -> Record:
        self.looks += 1
        script = self.scripts.get(task_id) or [PENDING]
        found = script.pop(0) if len(script) > 1 else script[0]
        if isinstance(found, Exception):
            raise found
        return found

    def watch(self, task_id: str, *, deadline: float | None, interval: float) -> Iterator[Record]:
        return poll(self.fetch, task_id, deadline=deadline, interval=interval)

    def forget(self, task_id: str) -> None:
        self.forgotten.append(task_id)

    def save_group(self, group_id: str, group: Any) -> None:
        self.groups[group_id] = group

    def fetch_group(self, group_id: str) -> Any:
        return self.groups.get(group_id)

    def delete_group(self, group_id: str) -> None:
        self.groups.pop(group_id, None)
