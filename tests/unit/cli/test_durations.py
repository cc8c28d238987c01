import argparse

import pytest

from cli.durations import milliseconds

HOUR = 3_600_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30d", 30 * 24 * HOUR),
        ("8h", 8 * HOUR),
        ("2d8h5m20s", 56 * HOUR + 320_000),
        ("2m4s", 124_000),
        ("0.5h", HOUR // 2),
        ("0s", 0),
    ],
)
def test_durations_are_read_as_mlflow_reads_them(text: str, expected: int) -> None:
    assert milliseconds(text) == expected


@pytest.mark.parametrize("text", ["", "3", "d", "1x", "5s2m", "-1d", "1.d", "9" * 400 + "d", "٣d"])
def test_anything_else_is_refused_in_its_words(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="Could not parse any time information"):
        milliseconds(text)
