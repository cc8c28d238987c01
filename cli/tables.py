"""Lists as output: a table with aligned columns, or one JSON object per line."""

import argparse
import json
from collections.abc import Mapping, Sequence
from typing import Any


def add_json(command: argparse.ArgumentParser) -> None:
    """Add ``--json``."""
    command.add_argument("--json", action="store_true", help="write one JSON object a line")


def show(
    items: Sequence[Mapping[str, Any]],
    columns: Mapping[str, str],
    options: argparse.Namespace,
    nothing: str,
) -> None:
    """Print a list: ``columns`` maps titles to fields, ``nothing`` is printed for an empty list.

    JSON output has all fields of each object, and no line for an empty list.
    """
    if options.json:
        for each in items:
            print(json.dumps(each))
    elif items:
        rows = [[each[field] for field in columns.values()] for each in items]
        print(lines(list(columns), rows))
    else:
        print(nothing)


def lines(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table with aligned columns. Null becomes a dash."""
    texts = [head, *([_text(value) for value in row] for row in rows)]
    widths = [max(len(row[column]) for row in texts) for column in range(len(head))]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in texts
    )


def _text(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
