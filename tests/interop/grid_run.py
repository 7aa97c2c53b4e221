"""One run of the whole grid through a worker: all messages at once, all results by one deadline."""

from __future__ import annotations

from typing import Any, Final

from satchel.message import MessageBuilder, TaskMessage
from tests.interop.grid import GRID, Combination, call
from tests.interop.workers import Outcome, Worker

PRIORITIES: Final = (9, 0, 5)


class GridRun:
    """What was sent to a worker before it was started, and what came of it.

    Attributes:
        worker: the worker.
        messages: the message of each combination, to the task that returns its arguments.
        outcomes: how they ended; a combination whose result did not come is missing.
        ranked: messages of `PRIORITIES`, sent in this order, before the worker could take any.
    """

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.outcomes: dict[Combination, Outcome] = {}
        self.messages = {combination: self._message(combination) for combination in GRID}
        self.ranked = {
            priority: MessageBuilder().build("worker_app.started", priority=priority, reply_to=worker.reply_to)
            for priority in PRIORITIES
        }

    def _message(self, combination: Combination) -> TaskMessage:
        serializer, compression, protocol = combination
        builder = MessageBuilder(serializer=serializer, compression=compression, protocol=protocol)
        return builder.build("worker_app.echo", *call(serializer), reply_to=self.worker.reply_to)

    def send(self) -> None:
        self.worker.send(*self.ranked.values(), *self.messages.values())

    def collect(self) -> None:
        arrived = self.worker.outcomes(message.id for message in self.messages.values())
        ids = {message.id: combination for combination, message in self.messages.items()}
        self.outcomes = {ids[task_id]: outcome for task_id, outcome in arrived.items()}

    def received(self, combination: Combination) -> Any:
        """Give the arguments that the task was called with, or fail."""
        outcome = self.outcomes.get(combination)
        assert outcome is not None, f"no result came of {combination}; {self.worker.told()}"
        assert outcome.state == "SUCCESS", f"{combination}: {outcome.value!r}"
        args, kwargs = outcome.value
        return list(args), kwargs
