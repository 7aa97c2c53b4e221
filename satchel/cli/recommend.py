"""``satchel recommend``: one answer for the user's own messages and network, with its reason."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from typing import TYPE_CHECKING

from satchel.cli import measured
from satchel.cli.outcome import usage
from satchel.cli.samples import EPILOG

if TYPE_CHECKING:
    from collections.abc import Sequence

    from satchel.bench.screening import Screened

_EPILOG = f"""\
The time of a message is encode + hops x 8 x bytes / link + decode, by the medians. A message that goes to a broker and
from there to a worker makes 2 hops.

{EPILOG}
examples:
  satchel recommend messages.jsonl --link 100M --hops 2
  satchel recommend --sample celery --link 1G
  satchel recommend messages/ --core-hour 0.04 --gigabyte 0.09
"""
_UNITS = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9}


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.description = "Recommend a serializer, a compressor and a level for messages and a network."
    parser.epilog = _EPILOG
    measured.add_arguments(parser)
    network = parser.add_argument_group("network and prices")
    network.add_argument("--link", type=_speed, default=1e8, metavar="BITS/S", help="its speed; default 100M")
    network.add_argument("--hops", type=_hops, default=1, metavar="N", help="how often a message crosses it; default 1")
    network.add_argument("--core-hour", type=_price, metavar="PRICE", help="of an hour of one core; chooses by money")
    network.add_argument("--gigabyte", type=_price, metavar="PRICE", help="of the transfer of 10^9 bytes, each hop")


def run(options: Namespace) -> int:
    """Measure, choose, and show."""
    if (options.core_hour is None) != (options.gigabyte is None):
        raise usage("--core-hour and --gigabyte are needed both, to choose by money")
    samples = measured.read(options)
    from satchel.bench.candidates import usual
    from satchel.bench.recommending import QUICK, Link, Prices, finalists, recommend
    from satchel.cli.recommended import Answered, show

    link = Link(options.link, options.hops)
    prices = None if options.core_hour is None else Prices(options.core_hour, options.gigabyte)
    priced = link if prices is None else prices.link(options.hops)

    def choose(every: Sequence[Screened]) -> Sequence[Screened]:
        return finalists(every, [priced])

    found, registry = measured.measured(options, samples, plan=QUICK, choose=choose, safe=True)
    answer = recommend(found.rows, link, prices, usual=usual(found.rows, registry))
    return measured.finish(
        found, options, lambda: show(Answered(found, answer, link, prices), samples, registry, options)
    )


def _speed(text: str) -> float:
    number = text.lower().removesuffix("bit/s").removesuffix("bit").removesuffix("bps").strip()
    unit = number[-1:] if number[-1:].isalpha() else ""
    try:
        speed = float(number.removesuffix(unit)) * _UNITS[unit]
    except (KeyError, ValueError):
        speed = 0.0
    if not 1 <= speed <= 1e15:
        raise ArgumentTypeError(f"{text!r} is no speed in bits per second, such as 100M, 2.5G or 56k")
    return speed


def _hops(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 100:
        raise ArgumentTypeError(f"{text!r} is not a number from 1 to 100")
    return int(text)


def _price(text: str) -> float:
    try:
        price = float(text)
    except ValueError:
        price = -1.0
    if not 0 <= price < 1e9:
        raise ArgumentTypeError(f"{text!r} is no price")
    return price
