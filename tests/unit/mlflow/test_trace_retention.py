"""How long traces are kept: MLflow's durations, the tag of an experiment, and the operator's choice."""

import pytest

from shared.contracts.errors import DomainError
from shared.mlflow.trace_retention import Retention, milliseconds, milliseconds_of_tag, retention_of

DAY = 86_400_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1m", 60_000), ("2h", 7_200_000), (" 30d ", 30 * DAY), ("9" * 31 + "d", 36_500 * DAY)],
)
def test_durations(text, expected):
    assert milliseconds(text) == expected


@pytest.mark.parametrize(
    "text", ["", "0d", "01d", "3", "d", "1.5d", "-1d", "1w", "1d1h", "१d", "9" * 32 + "d"]
)
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(DomainError, match="Trace archival"):
        milliseconds(text)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("", "encoded as a JSON object"),
        ("30d", "encoded as a JSON object"),
        ("[]", "encoded as a JSON object"),
        ("[" * 100_000, "encoded as a JSON object"),
        ('{"value": "30d"}', "must use type 'duration'"),
        ('{"type": "duration"}', "in the form `<int><unit>`"),
        ('{"type": "duration", "value": null}', "in the form `<int><unit>`"),
        ('{"type": "duration", "value": {"a": 1}}', "in the form `<int><unit>`"),
        ('{"type": "duration", "value": "3 days"}', "in the form `<int><unit>`"),
    ],
)
def test_a_tag_that_chooses_nothing_is_refused(value, message):
    with pytest.raises(DomainError, match=message):
        milliseconds_of_tag(value)


@pytest.mark.parametrize(
    ("retention", "days", "kept"),
    [
        (Retention(), "1d", None),
        (Retention(30 * DAY), None, 30),
        (Retention(30 * DAY), "1d", 1),
        (Retention(30 * DAY), "31d", 30),
        (Retention(30 * DAY, 90 * DAY), "31d", 31),
        (Retention(30 * DAY, 90 * DAY), "91d", 90),
        (Retention(30 * DAY, 10 * DAY), "20d", 20),
        (Retention(None, 90 * DAY), "20d", None),
    ],
)
def test_an_experiment_chooses_less_and_up_to_the_longest(retention, days, kept):
    tag = days and f'{{"type": "duration", "value": "{days}"}}'
    assert retention.chosen(tag) == (kept and kept * DAY)


def test_empty_settings_keep_traces_for_ever():
    assert retention_of("", "") == Retention()
    assert retention_of("30d", "90d") == Retention(30 * DAY, 90 * DAY)
