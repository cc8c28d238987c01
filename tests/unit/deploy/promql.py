"""Which metrics and labels a PromQL expression names; enough of its grammar for our own expressions."""

import re

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_SELECTOR = re.compile(r"([a-zA-Z_:][\w:]*)\s*(?:\{([^}]*)\})?\s*(\[[^\]]*\])?")
_LABELS = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_MATCHED = re.compile(r"(\w+)\s*[=!]")
_WORDS = {"by", "without", "on", "ignoring", "group_left", "group_right", "and", "or", "unless"}


def names(expression):
    """The metrics, by what they are selected with; and the labels that results are grouped by."""
    bare = _STRING.sub('""', expression)
    grouped = {
        each.strip() for m in _LABELS.finditer(bare) for each in m[1].split(",") if each.strip()
    }
    rest = _LABELS.sub(" ", bare)
    metrics = {}
    for match in _SELECTOR.finditer(rest):
        follows = rest[match.end() :].lstrip()
        if match[1] in _WORDS or follows.startswith("("):
            continue
        metrics.setdefault(match[1], set()).update(_MATCHED.findall(match[2] or ""))
    return metrics, grouped
