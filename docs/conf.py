"""Sphinx, with Markdown pages (MyST) and a reference built from docstrings. In `make docs` a warning is an error."""

from importlib import metadata

project = "Satchel"
author = "The Satchel authors"
project_copyright = "2026, The Satchel authors"
release = metadata.version("satchel")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["README.md"]

html_theme = "furo"
html_title = f"Satchel {release}"

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

# Names stand as they are imported, types as they are written.
add_module_names = False
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True}
napoleon_numpy_docstring = False

# A reference that leads nowhere is an error; these are Python's and the libraries', and the build asks no network.
nitpick_ignore_regex = [
    ("py:.*", r"(builtins|collections|dataclasses|datetime|decimal|enum|os|typing|uuid|zlib|bz2|lzma|gzip|json)\..*"),
    (
        "py:class",
        r"(Any|Callable|Iterable|Iterator|Mapping|Sequence|Protocol|NamedTuple|TypeVar|optional"
        r"|bytes|bytearray|memoryview|str|int|float|bool|dict|list|tuple|set|frozenset|object|type|None)",
    ),
    ("py:exc", r"[A-Z]\w*(Error|Exception)|…"),
    ("py:(class|exc)", r"(datetime|pickle|msgpack|yaml|zstandard|sqlalchemy|threading|SearchStrategy)(\..*)?"),
    # Ours, and no part of the public API.
    ("py:class", r"satchel\.codecs\.base\.Types"),
    ("py:class", r"Source"),
    (
        "py:class",
        r"(satchel\.calling\.([a-z_.]+\.)?)?"
        r"(Backend|Call|Conf|Defaults|Executor|Lease|Member|Pool|Publisher|Sendable|Step|TaskDefaults|DeclaredOptions)",
    ),
    ("py:class", r"results\.AsyncResult"),
    # Type variables.
    ("py:class", r"(satchel\.calling\.[a-z_.]+\.)?(H|P|P\.args|P\.kwargs|R|R_co)"),
]
