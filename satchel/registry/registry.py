"""Registry: names and content types to codecs, immutable."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, cast

from satchel.codecs.base import Types
from satchel.errors import DuplicateCodec, InvalidCodec, UnknownCodec
from satchel.registry.builtin import CELERY_COMPRESSORS, COMPRESSORS, SERIALIZERS, Entry
from satchel.registry.checks import Kind, check_codec, check_names, is_content_type

if TYPE_CHECKING:
    from satchel.codecs.protocols import Compressor, Serializer
    from satchel.codecs.zstd_dictionaries import Source

Dialect = Literal["satchel", "celery"]


class Registry:
    """Serializers, compressors and application types. Every change gives a new registry; this one stays as it is.

    Make one from `default_registry()` or `celery_registry()`.
    """

    def __init__(
        self,
        serializers: tuple[Entry, ...],
        compressors: tuple[Entry, ...],
        dialect: Dialect,
        types: Types = Types(),
        removed: frozenset[str] = frozenset(),
    ) -> None:
        self._serializers = serializers
        self._compressors = compressors
        self._dialect: Dialect = dialect
        self._types = types
        self._removed = removed
        # Codecs that were loaded, by kind and by what they were asked for as.
        self._loaded: dict[tuple[Kind, str], Any] = {}

    @classmethod
    def of_dialect(cls, dialect: Dialect) -> Registry:
        """Give the registry of the built-in codecs, as the dialect has them."""
        compressors = CELERY_COMPRESSORS if dialect == "celery" else COMPRESSORS
        return cls(SERIALIZERS, compressors, dialect)

    def __repr__(self) -> str:
        return f"<Registry {self.dialect}: {', '.join(self.serializers)}; {', '.join(self.compressors)}>"

    @property
    def dialect(self) -> Dialect:
        """The dialect that it speaks, "satchel" or "celery"."""
        return self._dialect

    @property
    def types(self) -> Types:
        """The application types that all serializers of this registry know."""
        return self._types

    @property
    def serializers(self) -> Mapping[str, Entry]:
        """The serializers by name, plugins that were not asked for aside."""
        return MappingProxyType({entry.name: entry for entry in self._serializers})

    @property
    def compressors(self) -> Mapping[str, Entry]:
        """The compressors by name, plugins that were not asked for aside."""
        return MappingProxyType({entry.name: entry for entry in self._compressors})

    # Looking up

    def serializer(self, name: str) -> Serializer:
        """Give the serializer of a name, alias or content type; its library is imported on first use.

        Raises:
            UnknownCodec: there is none.
            MissingDependency: its library is not installed.
            InvalidCodec: it is a plugin, and broken.
        """
        return cast("Serializer", self._codec("serializer", name))

    def compressor(self, name: str) -> Compressor:
        """Give the compressor of a name, alias or content type; its library is imported on first use.

        Raises:
            UnknownCodec: there is none.
            MissingDependency: its library is not installed.
            InvalidCodec: it is a plugin, and broken.
        """
        return cast("Compressor", self._codec("compressor", name))

    def entry(self, kind: Kind, name: str) -> Entry:
        """Give what is known of a codec, by name, alias or content type; a plugin is loaded for it.

        Raises:
            UnknownCodec: there is none.
            InvalidCodec: it is a plugin, and broken.
        """
        entries = self._entries(kind)
        for entry in entries:
            if name in entry.names or name in entry.content_types:
                return entry
        from satchel.registry import plugins  # What is built in needs none.

        if name not in self._removed and name in plugins.discover(f"satchel.{kind}s"):
            return self._plugin(kind, name)
        cure = None
        if kind == "compressor":
            from satchel.registry import dictionaries  # Most programs have none.

            if name in dictionaries.NAMES:
                codec = self._with_offered(None)
                if codec is not None:
                    return Entry(codec.name, (codec.content_type,), (), "plugin", codec)
                cure = "it needs a dictionary: satchel.register_dictionary(…)"
        known = (*(n for entry in entries for n in entry.names), *self.plugin_names(kind))
        if isinstance(cast(object, name), str) and is_content_type(name):
            known = tuple(content_type for entry in entries for content_type in entry.content_types)
            cure = cure or "a plugin is known by its name"
        raise UnknownCodec(kind, name, known, cure=cure)

    def plugin_names(self, kind: Kind) -> tuple[str, ...]:
        """The names of installed plugins that no codec of this registry has; none is imported.

        Among the compressors is ``zstd-dictionary``, where installed distributions offer dictionaries.
        """
        from satchel.registry import plugins

        taken = {name for entry in self._entries(kind) for name in entry.names} | self._removed
        names = [*plugins.discover(f"satchel.{kind}s")]
        if kind == "compressor" and plugins.discover(plugins.DICTIONARY_GROUP):
            from satchel.codecs.zstd_dictionaries import NAME

            names += [NAME] if NAME not in names else []
        return tuple(name for name in names if name not in taken)

    def _entries(self, kind: Kind) -> tuple[Entry, ...]:
        return self._serializers if kind == "serializer" else self._compressors

    def _plugin(self, kind: Kind, name: str) -> Entry:
        from satchel.registry import plugins

        codec = plugins.load(kind, name)
        entry = Entry(name, (codec.content_type,), (), "plugin", codec)
        self._check_free(kind, entry, self._entries(kind))
        return entry

    def _with_offered(self, codec: Any) -> Any:
        from satchel.registry import dictionaries

        return codec if dictionaries.NAMES[0] in self._removed else dictionaries.with_offered(codec)

    def _codec(self, kind: Kind, name: str) -> Any:
        codec = self._loaded.get((kind, name))
        return self._load(kind, name) if codec is None else codec

    def _load(self, kind: Kind, name: str) -> Any:
        entry = self.entry(kind, name)
        codec = entry.target
        if isinstance(codec, str):
            made = entry.codec_class()
            celery = self.dialect == "celery" and hasattr(made, "celery")
            codec = made.celery() if celery else made()
        if kind == "compressor" and entry.origin == "application":
            codec = self._with_offered(codec)
        if self.types and hasattr(codec, "with_types"):
            codec = codec.with_types(self.types)
        self._loaded[kind, name] = codec
        return codec

    # Changing

    def with_serializer(self, codec: Serializer, *, aliases: Iterable[str] = (), replace: bool = False) -> Registry:
        """Give a registry that has one more serializer.

        Args:
            codec: an instance of a serializer.
            aliases: further names for it.
            replace: take the place, aliases and further content types of the codec of the same name.

        Raises:
            InvalidCodec: it is not a serializer; the message says what is missing.
            DuplicateCodec: its name, an alias or its content type is taken.
        """
        return self._changed(serializers=self._with("serializer", codec, aliases, replace))

    def with_compressor(self, codec: Compressor, *, aliases: Iterable[str] = (), replace: bool = False) -> Registry:
        """Give a registry that has one more compressor; see `with_serializer`."""
        return self._changed(compressors=self._with("compressor", codec, aliases, replace))

    def with_dictionary(self, source: Source, *, compress: bool = True) -> Registry:
        """Give a registry whose compressor ``zstd-dictionary`` has one more dictionary; see `register_dictionary`."""
        from satchel.registry import dictionaries

        entry = self.compressors.get(dictionaries.NAMES[0])
        codec = dictionaries.added(None if entry is None else entry.target, dictionaries.read(source), compress)
        return self.with_compressor(codec, replace=True)

    def with_type(
        self,
        cls: type,
        tag: str | None = None,
        to_plain: Callable[[Any], Any] | None = None,
        from_plain: Callable[[Any], Any] | None = None,
        *,
        replace: bool = False,
    ) -> Registry:
        """Give a registry whose serializers carry one more type; see `satchel.register_type`."""
        from satchel.codecs.describing import describe  # Most programs register no type.

        return self._changed(types=self.types.add(describe(cls, tag, to_plain, from_plain), replace=replace))

    def with_kombu_plugins(self, *names: str) -> Registry:
        """Give a registry with serializers that installed distributions offer to kombu.

        Args:
            names: which; all by default.

        Raises:
            UnknownCodec: no installed distribution offers one of that name.
            InvalidCodec: one does not import, or is not what kombu asks for.
            DuplicateCodec: the name or content type of one is taken.
        """
        from satchel.registry import plugins

        offered = plugins.discover(plugins.KOMBU_GROUP)
        registry = self
        for name in names or tuple(offered):
            if name not in offered:
                raise UnknownCodec("kombu plugin", name, tuple(offered))
            registry = registry.with_serializer(plugins.load_kombu(name))
        return registry

    def without(self, *names: str) -> Registry:
        """Give a registry that does not have the serializers and compressors of these names or aliases.

        Raises:
            UnknownCodec: there is none of that name.
        """
        known = [name for entry in (*self._serializers, *self._compressors) for name in entry.names]
        known += [*self.plugin_names("serializer"), *self.plugin_names("compressor")]
        for name in names:
            if name not in known:
                raise UnknownCodec("codec", name, tuple(known))

        gone = [entry for entry in (*self._serializers, *self._compressors) if not set(names).isdisjoint(entry.names)]
        return self._changed(
            serializers=tuple(entry for entry in self._serializers if entry not in gone),
            compressors=tuple(entry for entry in self._compressors if entry not in gone),
            # No plugin comes to have a name, or an alias, of theirs.
            removed=self._removed.union(names, *(entry.names for entry in gone)),
        )

    def _changed(self, **changes: Any) -> Registry:
        fields = ("serializers", "compressors", "dialect", "types", "removed")
        return Registry(**{name: changes.get(name, getattr(self, f"_{name}")) for name in fields})

    def _with(self, kind: Kind, codec: Any, aliases: Iterable[str], replace: bool) -> tuple[Entry, ...]:
        if isinstance(aliases, str):
            raise TypeError(f"aliases must be a list of names, got the str {aliases!r}")
        check_codec(kind, codec)
        entry = Entry(codec.name, (codec.content_type,), tuple(aliases), "application", codec)
        check_names(entry.aliases, "alias")
        entries = self._entries(kind)
        old = next((other for other in entries if other.name == entry.name), None)
        if old is not None and old.target == codec and set(entry.aliases) <= set(old.aliases):
            return entries
        if old is not None and replace:
            self._check_dialect(codec, old)
            types = dict.fromkeys((codec.content_type, *old.content_types))
            names = dict.fromkeys((*old.aliases, *entry.aliases))
            # A built-in codec that is only configured stays one: it is bounded, and accepted by default.
            origin = old.origin if type(codec) is old.codec_class() else entry.origin
            entry = Entry(entry.name, tuple(types), tuple(names), origin, codec)
            self._check_free(kind, entry, tuple(other for other in entries if other is not old))
            return tuple(entry if other is old else other for other in entries)
        self._check_free(kind, entry, entries)
        return (*entries, entry)

    def _check_dialect(self, codec: Any, old: Entry) -> None:
        """In Celery's dialect, a built-in codec is replaced only by one that a stock worker reads as well."""
        if self.dialect != "celery" or old.origin != "built-in":
            return
        label = type(codec).__qualname__
        if getattr(codec, "dialect", "celery") != "celery":
            raise InvalidCodec(
                f"{label} is not of Celery's dialect", cure=f"construct it with {label}(…, dialect='celery')"
            )
        if codec.content_type != old.content_types[0]:
            raise InvalidCodec(
                f"a stock Celery worker does not know the content type {codec.content_type}",
                cure=f"construct it with {label}(…, content_type={old.content_types[0]!r})",
            )

    def _check_free(self, kind: Kind, entry: Entry, others: tuple[Entry, ...]) -> None:
        for other in others:
            name = next((name for name in entry.names if name in other.names), None)
            if name is not None:
                cure = "choose another name"
                raise DuplicateCodec(
                    f"the {kind} name {name!r} is already that of {other.name!r}",
                    cure=f"{cure}, or pass replace=True" if entry.name == other.name else cure,
                )
            # Gzip and zlib share the content type that Celery writes, and each reads both.
            if entry.content_types[0] in other.content_types:
                raise DuplicateCodec(
                    f"the content type {entry.content_types[0]} is already that of {other.name!r}",
                    cure=f"choose another, or remove the other with without({other.name!r})",
                )
