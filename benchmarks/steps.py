"""Where the time goes: the parts of a job timed alone, and the rest by what is left without them."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from functools import partial
from importlib import import_module
from io import BytesIO
from typing import Any, NamedTuple, NoReturn
from uuid import UUID

from benchmarks.payloads import extended, small, task_body
from benchmarks.results import Row
from benchmarks.sides import PIPELINE
from satchel import Limits
from satchel.bench.timing import Figure, Job, figure, race

#: The names of the rows that are drawn.
ENCODE = "steps of json encode, 198 B"
DECODE = "steps of json decode, 198 B"


class Profile(NamedTuple):
    """A job of Satchel's, and two parts of it that can be had by themselves.

    Attributes:
        library, step: what each is called, and the job.
        instead: the step is done instead of the library's, and only what it takes beyond that counts.
        encode: the job is to encode, by the format; otherwise to decode.
    """

    name: str
    format: str
    value: Any
    encode: bool
    library: tuple[str, Job]
    step: tuple[str, Job]
    instead: bool = False


def rows(rounds: int) -> list[Row]:
    """The steps of encoding and of decoding, in nanoseconds; or none, where the fast engines are not installed."""
    try:
        libraries = [import_module(name) for name in ("orjson", "ormsgpack", "msgspec")]
    except ImportError:
        return []
    profiles = [*_plain(*libraries), *_extended(*libraries), *_pickled()]
    return [Row(profile.name, figures=_steps(profile, rounds)) for profile in profiles]


def _body(value: Any, format_: str) -> bytes:
    return bytes(PIPELINE.encode(value, serializer=format_).body)


def _plain(orjson: Any, ormsgpack: Any, msgspec: Any) -> list[Profile]:
    value, gate = small(), _gate(ormsgpack)
    body = _body(value, "json")
    pack: Job = partial(ormsgpack.packb, value, None, gate)
    return [
        Profile(
            ENCODE,
            "json",
            value,
            True,
            ("orjson.dumps", partial(orjson.dumps, value)),
            ("type gate: ormsgpack.packb", pack),
        ),
        Profile(
            DECODE,
            "json",
            value,
            False,
            ("msgspec.json.decode", partial(msgspec.json.Decoder().decode, body)),
            ("tags looked for", lambda: 0x5F in body or 0x5C in body),
        ),
        Profile(
            "steps of msgpack encode, 198 B",
            "msgpack",
            value,
            True,
            ("ormsgpack.packb", pack),
            ("types and depth: orjson.dumps", partial(orjson.dumps, value, bytes.isdigit)),
        ),
    ]


def _extended(orjson: Any, ormsgpack: Any, msgspec: Any) -> list[Profile]:
    """A body with a datetime, a UUID and a Decimal in each of 22 orders."""
    value = extended(22)
    body = _body(value, "json")
    tagged = orjson.loads(body)
    orders = value[0][0]
    stamps, keys, prices = ([order[name] for order in orders] for name in ("created", "key", "price"))
    texts = [stamp.isoformat() for stamp in stamps], [key.hex for key in keys], [str(price) for price in prices]

    def written() -> Any:
        return [stamp.isoformat() for stamp in stamps], [key.hex for key in keys], [str(price) for price in prices]

    def made() -> Any:
        return list(map(datetime.fromisoformat, texts[0])), list(map(UUID, texts[1])), list(map(Decimal, texts[2]))

    return [
        Profile(
            "steps of json encode, extended 10 KB",
            "json",
            value,
            True,
            ("orjson.dumps of what is plain by then", partial(orjson.dumps, tagged)),
            ("the texts of 66 values", written),
        ),
        Profile(
            "steps of json decode, extended 10 KB",
            "json",
            value,
            False,
            ("msgspec.json.decode", partial(msgspec.json.Decoder().decode, body)),
            ("66 values from their texts", made),
        ),
    ]


class _FindsNothing(pickle.Unpickler):
    def find_class(self, module: str, name: str, /) -> NoReturn:
        raise NotImplementedError


def _pickled() -> list[Profile]:
    profiles = []
    for size, value in (("198 B", small()), ("10 KB", task_body(38))):
        body = _body(value, "pickle")

        profiles += [
            Profile(
                f"steps of pickle encode, {size}",
                "pickle",
                value,
                True,
                ("pickle.dumps", partial(pickle.dumps, value, 4)),
                ("a Pickler that runs no reducers", _writes(value)),
                instead=True,
            ),
            Profile(
                f"steps of pickle decode, {size}",
                "pickle",
                value,
                False,
                ("pickle.loads", partial(pickle.loads, body)),
                ("an Unpickler that refuses classes", _reads(body)),
                instead=True,
            ),
        ]
    return profiles


class _Pieces(list[bytes]):
    """A file that a pickler writes to."""

    def write(self, piece: bytes, /) -> None:
        self.append(piece)


def _writes(value: Any) -> Callable[[], Any]:
    pieces = _Pieces()
    pickler = pickle.Pickler(pieces, 4)
    pickler.dispatch_table = {}  # It is asked for all that is not plain data.

    def write() -> bytes:
        pickler.dump(value)
        body = b"".join(pieces)
        pickler.clear_memo()
        pieces.clear()
        return body

    return write


def _reads(body: bytes) -> Callable[[], Any]:
    return lambda: _FindsNothing(BytesIO(body)).load()


def _gate(ormsgpack: Any) -> int:
    options = ("BIG_INT", "DATACLASS", "DATETIME", "ENUM", "SUBCLASS", "UUID")
    chosen = 0
    for name in options:
        # What the installed version lacks it does not pass through either.
        chosen |= getattr(ormsgpack, f"OPT_PASSTHROUGH_{name}", 0)
    return chosen


def _steps(profile: Profile, rounds: int) -> dict[str, Figure]:
    """Nanoseconds per step, without what it takes to call anything at all."""
    value, name = profile.value, profile.format
    codec: Any = PIPELINE.registry.serializer(name)
    encoded = PIPELINE.encode(value, serializer=name)
    limits = Limits()
    body = bytes(encoded.body)

    # As their users call them: keyword arguments that a partial adds take three times as long.
    def dumps() -> object:
        return codec.dumps(value, limits=limits)

    def encode() -> object:
        return PIPELINE.encode(value, serializer=name)

    def loads() -> object:
        return codec.loads(body, limits=limits)

    def decode() -> object:
        return PIPELINE.decode(encoded)

    own: dict[str, Job] = (
        {"codec": dumps, "pipeline": encode} if profile.encode else {"codec": loads, "pipeline": decode}
    )
    (library, raw), (step, part) = profile.library, profile.step
    samples = race({"library": raw, "step": part, **own, "nothing": partial(bool, value)}, rounds=rounds)
    columns = (samples[name] for name in ("library", "step", "codec", "pipeline", "nothing"))
    times = [[1000 * microseconds for microseconds in each] for each in zip(*columns, strict=True)]
    if profile.instead:
        times = [[raw, part - raw + empty, codec, whole, empty] for raw, part, codec, whole, empty in times]
    return {
        library: figure([raw - empty for raw, _, _, _, empty in times]),
        step: figure([part - empty for _, part, _, _, empty in times]),
        "codec, the rest": figure([codec - raw - part + empty for raw, part, codec, _, empty in times]),
        "pipeline": figure([whole - codec for _, _, codec, whole, _ in times]),
    }
