"""Durations in the form of ``mlflow gc --older-than``: ``30d``, ``2d8h5m20s``."""

import argparse
import re
from datetime import timedelta

_DURATION = re.compile(
    r"(?:(?P<days>\d+(?:\.\d+)?)d)?(?:(?P<hours>\d+(?:\.\d+)?)h)?"
    r"(?:(?P<minutes>\d+(?:\.\d+)?)m)?(?:(?P<seconds>\d+(?:\.\d+)?)s)?",
    re.ASCII,
)


def milliseconds(text: str) -> int:
    """Return a duration in milliseconds. Raises argparse.ArgumentTypeError with MLflow's message."""
    match = _DURATION.fullmatch(text)
    parts = {name: float(part) for name, part in match.groupdict().items() if part} if match else {}
    try:
        if parts:
            return int(timedelta(**parts) / timedelta(milliseconds=1))
    except OverflowError:
        pass
    message = (
        f"Could not parse any time information from '{text}'. "
        "Examples of valid strings: '8h', '2d8h5m20s', '2m4s'"
    )
    raise argparse.ArgumentTypeError(message)
