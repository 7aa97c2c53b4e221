"""A public corpus: the webhook payloads of the npm package @octokit/webhooks-examples, fetched when asked for.

It is kept in build/corpus, and is no part of the repository. As samples for satchel bench, one file a message:

python -m benchmarks.corpus -o DIR
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tarfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from benchmarks.payloads import Payload

PACKAGE = "@octokit/webhooks-examples"
VERSION = "7.6.1"
MEMBER = "package/api.github.com/index.json"
FOLDER = Path(__file__).parents[1] / "build" / "corpus"
ARCHIVE = "octokit-webhooks-examples-{}.tgz"
NAME = "webhook corpus"
#: More than the member has by far: a registry that serves another archive is not believed.
LARGEST = 64 * 1024 * 1024


class Unavailable(Exception):
    """The corpus cannot be had; the text says why."""


def payload() -> Payload:
    """All the example payloads of the corpus, a list of some three megabytes of JSON.

    Raises:
        Unavailable: there is no npm, or its registry cannot be reached or does not have the package.
    """
    return Payload(NAME, "corpus", examples(_archive()))


def examples(archive: Path) -> list[Any]:
    """The payloads in the archive.

    Raises:
        Unavailable: they are not in it.
    """
    try:
        with tarfile.open(archive) as opened:
            member = opened.getmember(MEMBER)
            stream = opened.extractfile(member)
            if stream is None or member.size > LARGEST:
                raise Unavailable(f"{MEMBER} in {PACKAGE} is not the file it was")
            hooks = json.load(stream)
        return [example for hook in hooks for example in hook["examples"]]
    except (OSError, tarfile.TarError, KeyError, TypeError, ValueError) as error:
        raise Unavailable(f"{PACKAGE} {VERSION} cannot be read: {type(error).__name__}") from error


def write(messages: list[Any], folder: Path) -> None:
    """Write each message to a file of its own, named so that their order is kept."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, message in enumerate(messages, 1):
        text = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
        (folder / f"{number:04}.json").write_text(text, encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    parser = ArgumentParser(prog="python -m benchmarks.corpus", description="Write the public corpus as samples.")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    folder = parser.parse_args(arguments).output
    try:
        messages = payload().value
    except Unavailable as error:
        print(f"benchmarks.corpus: {error}", file=sys.stderr)
        return 1
    write(messages, folder)
    print(f"{len(messages)} messages of {PACKAGE} {VERSION} are in {folder}")
    return 0


def _archive() -> Path:
    archive = FOLDER / ARCHIVE.format(VERSION)
    if archive.exists():
        return archive
    npm = shutil.which("npm")
    if npm is None:
        raise Unavailable("npm is not installed")
    FOLDER.mkdir(parents=True, exist_ok=True)
    try:
        # From the registry that npm is configured with, which says what the archive's digest is: npm checks it.
        command = [npm, "pack", "--silent", f"{PACKAGE}@{VERSION}"]
        subprocess.run(command, cwd=FOLDER, check=True, capture_output=True, timeout=120)
    except (OSError, subprocess.SubprocessError) as error:
        raise Unavailable(f"npm cannot fetch {PACKAGE} {VERSION}") from error
    if not archive.exists():
        raise Unavailable(f"npm made no {archive.name}")
    return archive


if __name__ == "__main__":
    sys.exit(main())
