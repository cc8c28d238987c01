"""Lists: for people aligned columns, one line each; for programs one JSON object a line."""

import argparse
import json
from collections.abc import Mapping, Sequence
from typing import Any


def add_json(command: argparse.ArgumentParser) -> None:
    """Let a command that reads write JSON."""
    command.add_argument("--json", action="store_true", help="write one JSON object a line")


def show(
    items: Sequence[Mapping[str, Any]],
    columns: Mapping[str, str],
    options: argparse.Namespace,
    nothing: str,
) -> None:
    """Print a list: ``columns`` are fields by their titles, ``nothing`` is the sentence for an empty one.

    JSON has all fields of each object, and no line for none.
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
    """Return a table; what is null is a dash."""
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
