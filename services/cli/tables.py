"""Lists on a terminal: aligned columns, one line each."""

from collections.abc import Sequence


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
