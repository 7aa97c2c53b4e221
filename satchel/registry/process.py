"""The process's two registries, one per dialect, and what an application adds to both."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from satchel.errors import InvalidCodec
from satchel.forking import ProcessLock
from satchel.registry.checks import check_functions, check_names, takes_one
from satchel.registry.registry import Registry

if TYPE_CHECKING:
    from satchel.codecs.zstd_dictionaries import Source

_lock = ProcessLock()
_default = Registry.of_dialect("satchel")
_celery = Registry.of_dialect("celery")


def default_registry() -> Registry:
    """Give the process's registry of Satchel's own dialect: the full value model."""
    return _default


def celery_registry() -> Registry:
    """Give the process's registry of Celery's dialect: it writes only what a stock Celery worker reads."""
    return _celery


def _change(change: Callable[[Registry], Registry]) -> None:
    global _default, _celery
    with _lock.here():
        # Both are made before either is put in place: an error changes nothing.
        _default, _celery = change(_default), change(_celery)


def register_serializer(
    name: str,
    dumps: Callable[[Any], str | bytes],
    loads: Callable[[Any], Any],
    content_type: str,
    content_encoding: str = "utf-8",
    *,
    aliases: Iterable[str] = (),
    replace: bool = False,
) -> None:
    """Register a serializer of two functions, for the process.

    Registering makes it available by name; to decode it, a pipeline must accept it.

    Args:
        name: its name, in lower case.
        dumps: gives str (for a text encoding) or bytes for a value.
        loads: gives the value; it is given str for a text encoding, bytes for ``binary``.
        content_type: a MIME type in lower case, without parameters.
        content_encoding: ``utf-8``, ``us-ascii`` or ``binary``.
        aliases: further names.
        replace: take the place of the serializer of that name.

    Raises:
        InvalidCodec: a name, a type or a function is not what it must be.
        DuplicateCodec: the name or the content type is taken.
    """
    check_functions(dumps=dumps, loads=loads)
    from satchel.registry.functions import FunctionSerializer  # Few programs need it.

    codec = FunctionSerializer(name, dumps, loads, content_type, content_encoding)
    aliases = tuple(aliases) if not isinstance(aliases, str) else aliases
    _change(lambda registry: registry.with_serializer(codec, aliases=aliases, replace=replace))


def register_compressor(
    name: str,
    compress: Callable[[bytes], bytes],
    decompress: Callable[..., bytes],
    content_type: str,
    aliases: Iterable[str] = (),
    *,
    replace: bool = False,
) -> None:
    """Register a compressor of two functions, for the process.

    Args:
        name: its name, in lower case.
        compress: gives the compressed bytes of bytes.
        decompress: gives the bytes again; it takes ``max_size`` (bytes) by keyword and must not make more.
        content_type: a MIME type in lower case, without parameters.
        aliases: further names.
        replace: take the place of the compressor of that name.

    Raises:
        InvalidCodec: a name, a type or a function is not what it must be; above all, no ``max_size``.
        DuplicateCodec: the name or the content type is taken.
    """
    check_names([name])
    check_functions(compress=compress)
    if not takes_one(decompress, ("max_size",)):
        raise InvalidCodec(
            f"the decompress function of {name!r} does not take a body, and max_size by keyword",
            expected="def decompress(body, *, max_size): … that never makes more than max_size bytes",
            cure="without a bound, 785 bytes can make a process allocate gigabytes",
        )
    from satchel.registry.functions import FunctionCompressor

    codec = FunctionCompressor(name, compress, decompress, content_type)
    aliases = tuple(aliases) if not isinstance(aliases, str) else aliases
    _change(lambda registry: registry.with_compressor(codec, aliases=aliases, replace=replace))


def register_type(
    cls: type,
    tag: str | None = None,
    to_plain: Callable[[Any], Any] | None = None,
    from_plain: Callable[[Any], Any] | None = None,
    *,
    replace: bool = False,
) -> None:
    """Register an application's class, once, for every serializer of the process.

    Dataclasses, enums, NamedTuples, pydantic and msgspec models need no functions.

    Args:
        cls: the class; instances of its subclasses are not meant.
        tag: its name on the wire; the class's own name by default. Keep it when you rename the class.
        to_plain: gives a value of the value model (which may hold other registered types) for an instance.
        from_plain: gives the instance again. It is called with data from outside.
        replace: take the place of the type of that tag or class.

    Raises:
        InvalidCodec: a kind of class that needs functions, or a tag of a wrong form.
        DuplicateCodec: the class or the tag is taken.
    """
    _change(lambda registry: registry.with_type(cls, tag, to_plain, from_plain, replace=replace))


def register_dictionary(source: Source, *, compress: bool = True) -> None:
    """Register a dictionary of zstd, or a folder of them, for the process, as the compressor ``zstd-dictionary``.

    Registering makes it available by name; to decode it, a pipeline must name it in `accept_compression`. A stock
    Celery worker cannot read it, in whichever dialect.

    Args:
        source: a `Dictionary`, its bytes, the path of its file, or that of a folder with files ``*.zdict``.
        compress: compress with it from now on, and keep those that were registered before for reading; of a folder,
            with the last by name. False only reads it: do so everywhere before the first compresses with it.

    Raises:
        InvalidCodec: it is no trained dictionary, is damaged, or a folder without any.
        DuplicateCodec: its id is that of another dictionary.
        MissingDependency: zstandard is not installed.
        OSError: a file cannot be read.
    """
    _change(lambda registry: registry.with_dictionary(source, compress=compress))
