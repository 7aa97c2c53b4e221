"""``satchel demo``: task messages of every codec through a real broker to a stock Celery worker, and back."""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from satchel.cli import envelope
from satchel.cli.outcome import FAILED, MISSING, OK, Failure, one_line
from satchel.cli.table import row
from satchel.message import MessageBuilder, MessageReader
from satchel.pipeline import Pipeline
from satchel.registry import celery_registry

if TYPE_CHECKING:
    from satchel.cli.demo_broker import Broker, Worker

SERIALIZERS = ("json", "msgpack", "yaml", "pickle")
COMPRESSORS = (None, "zlib", "gzip", "bzip2", "lzma", "brotli", "zstd")

_INSTALL = "pip install 'satchel[all]' celery backports.zstd"

#: One argument of every task: an order, with 12 items, of about 1 KB in JSON.
ORDER: dict[str, Any] = {
    "id": 4711,
    "customer": {"name": "Zoë Ångström", "email": "zoe@example.org", "since": "2019-04-01", "vip": True},
    "items": [
        {"sku": f"A-{1000 + 7 * n}", "title": f"Satchel no. {n}", "quantity": 1 + n % 3, "cents": 1990 + 250 * n}
        for n in range(12)
    ],
    "discount": 0.125,
    "note": None,
}
CURRENCY = {"currency": "EUR"}

_SENT = ("bytes", "of json", "build µs", "worker ms", "ran")
_RECEIVED = ("stock bytes", "read µs", "read")
_HEADER = ("serializer", "compression", *_SENT, *_RECEIVED)
_WIDTHS = (10, 11, 6, 7, 8, 9, 6, 11, 8, 6)
_RIGHT = (False, False, True, True, True, True, False, True, True, False)

_EPILOG = f"""\
Nothing is installed or left behind: the broker is a folder, which is removed at the end, and the worker is ended.

It needs Celery and every codec: {_INSTALL}
For --broker sqlite, SQLAlchemy as well.

examples:
  satchel demo
  satchel demo --broker sqlite --keep
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.description = "Run the main job: every serializer and compressor, through a real broker, on a real worker."
    parser.epilog = _EPILOG
    parser.add_argument(
        "--broker", choices=("filesystem", "sqlite"), default="filesystem", help="kombu's transport; default filesystem"
    )
    parser.add_argument("--keep", action="store_true", help="leave the folder: messages, results and the worker's log")


class Outcome(NamedTuple):
    """How a combination fared, both ways. A text in `ran` or `read` is the error; None is success."""

    serializer: str
    compression: str | None
    ran: str | None
    read: str | None
    cells: tuple[str, ...]


def run(options: Namespace) -> int:
    """Run the demo."""
    started = time.monotonic()
    _check_installed(options.broker)
    from satchel.cli.demo_broker import Broker, Worker

    signal.signal(signal.SIGTERM, _terminated)
    with _folder(options.keep) as folder, Broker(options.broker, folder) as broker:
        starting = time.monotonic()
        with Worker(broker) as worker:
            state = worker.ready()
            _introduce(options.broker, state, time.monotonic() - starting)
            outcomes = list(_both_ways(broker, worker))
    refused = _show_refusals()
    return _summarize(outcomes, refused, time.monotonic() - started)


def _terminated(*_: Any) -> NoReturn:
    sys.exit(143)  # Through every `with` on the way, so that the worker ends too.


def _check_installed(broker: str) -> None:
    """Raise Failure, or MissingDependency, with the command that installs what is missing."""
    command = f"{_INSTALL} sqlalchemy" if broker == "sqlite" else _INSTALL
    needed = ("celery", "kombu.compression", *(["sqlalchemy"] if broker == "sqlite" else []))
    try:
        _, compression, *_ = (import_module(name) for name in needed)
    except ImportError as error:
        raise Failure(
            MISSING, f"the demo runs a real Celery worker, and {error.name} is not installed; run: {command}"
        ) from error
    registry = celery_registry()
    for serializer in SERIALIZERS:
        registry.serializer(serializer)
    for compressor in filter(None, COMPRESSORS):
        if registry.compressor(compressor).content_type not in compression.encoders():
            raise Failure(MISSING, f"kombu has no {compressor} here; run: {command}")


@contextmanager
def _folder(keep: bool) -> Generator[Path, None, None]:
    folder = Path(tempfile.mkdtemp(prefix="satchel-demo-"))
    try:
        yield folder
    finally:
        if keep:
            print(f"Kept: {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _introduce(broker: str, worker: dict[str, Any], seconds: float) -> None:
    celery, kombu = import_module("celery"), import_module("kombu")
    loaded = "it has imported satchel" if worker["satchel"] else "it has not imported satchel"
    print(f"Broker: the {broker} transport of kombu {kombu.__version__}, in a folder; no server.")
    print(f"Worker: stock Celery {celery.__version__}, process {worker['pid']}, ready in {seconds:.1f} s; {loaded}.")
    print()
    print("1. Left: built by Satchel, run by the worker. Right: sent by stock Celery, read by Satchel.")
    print()
    print(row(_HEADER, _WIDTHS, _RIGHT), flush=True)


def _both_ways(broker: Broker, worker: Worker) -> Iterator[Outcome]:
    builder = MessageBuilder()
    reader = MessageReader(Pipeline(SERIALIZERS, registry=celery_registry))
    plain = len(builder.build("demo", [ORDER], CURRENCY).encoded.body)
    for serializer in SERIALIZERS:
        for compression in COMPRESSORS:
            ran, sent = _to_worker(broker, worker, builder, serializer, compression, plain)
            read, received = _from_stock(broker, reader, serializer, compression)
            cells = (serializer, compression or "none", *sent, *received)
            print(row(cells, _WIDTHS, _RIGHT), flush=True)
            yield Outcome(serializer, compression, ran, read, cells)


def _to_worker(
    broker: Broker, worker: Worker, builder: MessageBuilder, serializer: str, compression: str | None, plain: int
) -> tuple[str | None, Sequence[str]]:
    from satchel.cli.demo_worker import TASK, total

    def build() -> Any:
        return builder.build(TASK, [ORDER], CURRENCY, serializer=serializer, compression=compression)

    message = build()
    size = len(message.encoded.body)
    shown = f"{size:,}", f"{size / plain:.0%}", f"{_microseconds(build):,.0f}"
    started = time.perf_counter()
    broker.send(message)
    try:
        result = broker.result(message.id, worker)
    except (RuntimeError, TimeoutError) as error:
        return str(error), (*shown, "-", "FAILED")
    milliseconds = (time.perf_counter() - started) * 1000
    if result != total(ORDER, **CURRENCY):
        return f"the worker gave {result!r}", (*shown, "-", "WRONG")
    return None, (*shown, f"{milliseconds:,.0f}", "ok")


def _from_stock(
    broker: Broker, reader: MessageReader, serializer: str, compression: str | None
) -> tuple[str | None, Sequence[str]]:
    broker.send_as_stock([ORDER], CURRENCY, serializer, compression)
    found = envelope.read(broker.take())
    if found is None:
        return "what lay in the queue is no envelope", ("-", "-", "FAILED")

    def read() -> Any:
        return reader.read(**found._asdict())

    size = f"{len(found.body):,}"
    try:
        call = read()
    except Exception as error:  # noqa: BLE001  # whatever it is, the table shows it, and the next one is tried
        return f"{type(error).__name__}: {error}", (size, "-", "FAILED")
    if (list(call.args), call.kwargs) != ([ORDER], CURRENCY):
        return f"it was read as {call!r}", (size, "-", "WRONG")
    return None, (size, f"{_microseconds(read):,.0f}", "ok")


def _microseconds(call: Callable[[], Any]) -> float:
    """The best of several averages, of about 15 ms in all."""
    call()
    best, end = float("inf"), time.perf_counter() + 0.015
    while time.perf_counter() < end:
        started = time.perf_counter()
        for _ in range(5):
            call()
        best = min(best, (time.perf_counter() - started) / 5)
    return best * 1e6


def _show_refusals() -> tuple[int, int]:
    """Show what is refused; give how many were, and of how many."""
    from satchel.cli.demo_refusals import refusals

    print("\n2. What is refused, by which error, at what cost of time and peak memory\n")
    refused = all_of_them = 0
    for each in refusals():
        all_of_them += 1
        refused += each.error is not None
        memory = "" if each.grown is None else f", +{each.grown / (1 << 20):.1f} MiB"
        print(f"  {each.what}  ({each.seconds * 1000:.1f} ms{memory})")
        if each.error is None:
            print(f"    LET THROUGH by accept={each.accept}")
        else:
            print(f"    accept={each.accept}: {type(each.error).__name__}: {one_line(str(each.error))}")
    return refused, all_of_them


def _summarize(outcomes: Sequence[Outcome], refused: tuple[int, int], seconds: float) -> int:
    for outcome in outcomes:
        for way, error in (("worker", outcome.ran), ("reader", outcome.read)):
            if error is not None:
                print(f"\nFAILED ({way}): {outcome.serializer}, {outcome.compression}: {one_line(error)}")
    ran = sum(outcome.ran is None for outcome in outcomes)
    read = sum(outcome.read is None for outcome in outcomes)
    print()
    print(f"{ran} of {len(outcomes)} ran on a stock Celery worker, from messages that Satchel built.")
    print(f"{read} of {len(outcomes)} messages of a stock Celery producer were read by Satchel.")
    print(f"{refused[0]} of {refused[1]} hostile messages were refused.  ({seconds:.1f} s in all)")
    return OK if ran == read == len(outcomes) and refused[0] == refused[1] else FAILED
