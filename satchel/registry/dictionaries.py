"""Dictionaries of the compressor zstd-dictionary: from bytes, files, folders, and installed distributions."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from satchel.codecs.zstd_dictionaries import CONTENT_TYPE, NAME, SUFFIX, Dictionary, Source
from satchel.errors import DuplicateCodec, InvalidCodec, MissingDependency, text_of
from satchel.registry import plugins

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from satchel.codecs.zstd import Zstd

#: What the compressor is asked for as, its name first.
NAMES = (NAME, CONTENT_TYPE)


def read(source: Source) -> tuple[Dictionary, ...]:
    """Give the dictionaries of a source: a dictionary, its bytes, its file, or a folder's ``*.zdict`` by their names.

    Raises:
        InvalidCodec: it is no dictionary, or a folder without one.
        OSError: a file or a folder cannot be read.
    """
    try:
        if not isinstance(source, str | os.PathLike) or not os.path.isdir(source):
            return (Dictionary.of(source),)
        names = sorted(name for name in os.listdir(source) if name.endswith(SUFFIX))
        if not names:
            raise ValueError(f"no *{SUFFIX} in the folder {os.fspath(source)}")
        return tuple(Dictionary.of(os.path.join(source, name)) for name in names)
    except (TypeError, ValueError) as error:
        raise InvalidCodec(str(error)) from error


def added(codec: Any, dictionaries: tuple[Dictionary, ...], compress: bool) -> Zstd:
    """Give a codec that has more dictionaries, with the options of `codec`, or the default ones.

    Args:
        codec: a `Zstd`, or None.
        dictionaries: the new ones.
        compress: the last of them is compressed with from now on; the others are kept for reading.

    Raises:
        DuplicateCodec: the id of one is that of another dictionary, or the codec is not a `Zstd`.
        InvalidCodec: one is damaged.
        MissingDependency: zstandard is not installed.
    """
    from satchel.codecs.zstd import Zstd  # Needs no library before it is made.

    if codec is None:
        codec = Zstd()
    if not isinstance(codec, Zstd):
        raise DuplicateCodec(
            f"the compressor name {NAME!r} is already that of {type(codec).__qualname__}",
            cure=f"remove that with without({NAME!r})",
        )
    own = cast("Dictionary | None", codec.dictionary)
    known = {each.id: each for each in (*((own,) if own else ()), *cast("tuple[Dictionary, ...]", codec.dictionaries))}
    for each in dictionaries:
        if known.setdefault(each.id, each) != each:
            raise DuplicateCodec(
                f"another dictionary has the id {each.id} already", cure="train one of them with another id"
            )
    if compress:
        own = dictionaries[-1]
    try:
        return replace(codec, dictionary=own, dictionaries=tuple(each for each in known.values() if each != own))
    except ValueError as error:
        raise InvalidCodec(str(error)) from error


def with_offered(codec: Any) -> Any:
    """Give a codec that has the dictionaries of installed distributions as well.

    Args:
        codec: a codec, which goes on compressing as it did; or None for one that compresses with the last by name.

    Returns:
        The codec; None if that was given, and no distribution offers a dictionary.

    Raises:
        InvalidCodec: what one offers is no dictionary.
        DuplicateCodec: the id of one is that of another dictionary.
    """
    from satchel.codecs.zstd import Zstd

    if codec is not None and not (isinstance(codec, Zstd) and codec.name == NAME):
        return codec
    found = plugins.discover(plugins.DICTIONARY_GROUP)
    offered = tuple(each for name in sorted(found) for each in _offered(found[name]))
    return added(codec, offered, compress=codec is None) if offered else codec


def _offered(entry_point: EntryPoint) -> tuple[Dictionary, ...]:
    target = plugins.import_target(entry_point)
    try:
        source: Any = target() if callable(target) else target
        dictionaries = read(source)
        added(None, dictionaries, compress=False)
    except (MissingDependency, MemoryError):
        raise
    except (Exception, SystemExit) as error:
        distribution = plugins.distribution_of(entry_point)
        raise InvalidCodec(
            f"the dictionary {entry_point.name!r} of {distribution} cannot be had: {text_of(error)}",
            cure=f"repair or uninstall {distribution}",
        ) from error
    return dictionaries
