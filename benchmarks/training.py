"""How small `satchel train` makes messages, beside the library's default trainer: `python -m benchmarks.training`.

On the public corpus, as few long messages, on all of it, and on the generated corpora; each over five splits.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from benchmarks import corpus
from satchel import Pipeline
from satchel.bench.generated import GENERATED
from satchel.bench.training import train

SPLITS = range(5)
SEED = 20_261_122


def corpora(count: int) -> Iterator[tuple[str, list[bytes]]]:
    """Bodies in JSON, by the name of their corpus."""
    pipeline = Pipeline([])

    def encoded(values: list[object]) -> list[bytes]:
        return list(dict.fromkeys(bytes(pipeline.encode(value).body) for value in values))

    try:
        webhooks = encoded(corpus.payload().value)
        yield "webhooks", webhooks[::2]
        yield "all webhooks", webhooks
    except corpus.Unavailable as error:
        print(f"without {corpus.NAME}: {error}")
    for name, generate in GENERATED.items():
        yield f"{name} {count:,}", encoded(generate(count, SEED))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--level", type=int, default=3)
    parser.add_argument("--count", type=int, default=1_000, help="messages of each generated corpus")
    parser.add_argument("--only", help="corpora whose name begins so")
    options = parser.parse_args()
    print("corpus              n  split       none    default     chosen  default/chosen  dictionary")
    for name, bodies in corpora(options.count):
        if not name.startswith(options.only or ""):
            continue
        ratios = []
        for split in SPLITS:
            manifest = train(bodies, level=options.level, seed=split).manifest
            score = manifest.held_out
            default = score.none if score.default is None else score.default
            ratios.append(default / score.chosen)
            print(
                f"{name:16} {len(bodies):5,}  {split:5} {score.none:10,} {default:10,} {score.chosen:10,}"
                f"  {ratios[-1]:14.3f}  {manifest.size:,} B, {manifest.recipe.method} {manifest.recipe.length or ''}",
                flush=True,
            )
        print(f"{name:16} {len(bodies):5,}  worst {min(ratios):.3f}, best {max(ratios):.3f}", flush=True)


if __name__ == "__main__":
    main()
