"""Content-Type and Content-Disposition of a file, derived from its name."""

import mimetypes
import posixpath
from urllib.parse import quote

BINARY = "application/octet-stream"
TEXT = "text/plain"

# ``get_text_extensions`` in ``mlflow/utils/mime_type_utils.py``: what MLflow shows as text.
# fmt: off
_TEXT_EXTENSIONS = frozenset({
    "txt", "log", "err", "cfg", "conf", "cnf", "cf", "ini", "properties", "prop", "hocon", "toml",
    "yaml", "yml", "xml", "json", "js", "py", "py3", "csv", "tsv", "md", "rst", "ipynb", "MLmodel",
    "MLproject",
})
# fmt: on

# Only the standard library's table: with the machine's own the same file would have another type on another machine.
_TYPES = mimetypes.MimeTypes()


def content_type(path: str) -> str:
    """Return the media type that MLflow's server gives a file of this name."""
    name = posixpath.basename(path)
    extension = posixpath.splitext(name)[1].removeprefix(".") or name
    if extension in _TEXT_EXTENSIONS:
        return TEXT
    return _TYPES.guess_type(f"file:{quote(name)}")[0] or BINARY


def attachment(name: str) -> str:
    """Return a Content-Disposition that makes browsers save and never render (RFC 6266)."""
    if name.isascii() and name.isprintable():
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'attachment; filename="{escaped}"'
    return f"attachment; filename*=UTF-8''{quote(name, safe='')}"
