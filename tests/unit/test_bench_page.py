import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.bench.load import Measurement, median
from tests.bench.operations import LOG_SPANS
from tests.bench.otlp import MARKER, request
from tests.bench.peers import MLFLOW, WARREN
from tests.bench.report import HEADING_OF_TRANSFERS, Report, kept_section, with_section
from tests.bench.training import Training

SECTION = "## Artifacts\n\nnew\n"


def with_transfers(page):
    return with_section(page, HEADING_OF_TRANSFERS, SECTION)


def test_section_is_added_to_a_page_that_has_none():
    assert with_transfers("# Benchmark\n\nhead\n") == f"# Benchmark\n\nhead\n\n{SECTION}"


def test_section_replaces_its_old_self_and_nothing_else():
    page = "# Benchmark\n\n## Artifacts\n\nold\n\n## Rates\n\ntable\n"
    assert with_transfers(page) == f"# Benchmark\n\n## Rates\n\ntable\n\n{SECTION}"
    assert with_transfers(with_transfers(page)) == with_transfers(page)


def test_section_outlives_the_page_that_it_was_on():
    page = with_transfers("# Benchmark\n\n## Rates\n\ntable\n")
    assert kept_section(page, HEADING_OF_TRANSFERS) == SECTION
    assert kept_section("# Benchmark\n\n## Rates\n", HEADING_OF_TRANSFERS) == ""


def rounds(*rates):
    return median([Measurement(rate, 1000 / rate if rate else 0.0, 9.0, 1) for rate in rates])


def test_cell_is_the_round_of_the_median_rate_with_all_errors():
    cell = rounds(400.0, 100.0, 200.0)
    assert (cell.rate, cell.p50, cell.errors) == (200.0, 5.0, 3)


def test_peers_are_compared_round_by_round():
    assert rounds(400.0, 100.0, 90.0).times(rounds(200.0, 20.0, 30.0)) == pytest.approx(3)
    assert rounds(400.0, 100.0).times(rounds(0.0, 50.0)) == pytest.approx(2)
    assert rounds(400.0).times(rounds(0.0)) is None


def page(cells, training=None):
    return Report(
        machine="", versions={}, memory={"gateway": 1, "tracking": 1}, seconds=5, rounds=1, cells=cells, training=training
    ).markdown()  # fmt: skip


@pytest.mark.parametrize(("rate", "met"), [(100.0, "yes"), (99.0, "**no**")])
def test_traces_have_a_target_for_each_number_of_clients(rate, met):
    name = LOG_SPANS.name
    cells = {(name, 1, WARREN): rounds(30.0), (name, 1, MLFLOW): rounds(10.0)}
    cells |= {(name, 8, WARREN): rounds(rate), (name, 8, MLFLOW): rounds(10.0)}
    cells |= {(name, 32, WARREN): rounds(10.0), (name, 32, MLFLOW): rounds(0.0)}
    wanted = f"{name}: times mlflow server's rate by clients, at least 3 at 1, 10 at 8"
    assert f"| {wanted} | 3.0, {rate / 10:.1f} | {met} |" in page(cells)
    assert f"| {name} | 1 | Warren | 30.0 (1,500 spans) |" in page(cells)


def test_training_beside_traces_is_compared_round_by_round():
    def measured(p99):
        return Measurement(100.0, 1.0, p99, 0)

    training = Training(
        maximum=1000.0,
        beside=500.0,
        costs={"gateway": 0.1},
        rounds=[(measured(10.0), measured(11.0)), (measured(20.0), measured(30.0)), (measured(1.0), measured(1.1))],
        errors=3,
    )  # fmt: skip
    text = page({}, training)
    assert (
        "p99 at most 20% longer while spans come in at half of the maximum rate | +10% | yes |"
        in text
    )
    assert "| beside spans | 100.0 | 1.00 | 11.00 |" in text
    assert "3 requests failed." in text


def test_marker_stands_in_every_id_of_a_request():
    body = request([2, 3])
    traced = ExportTraceServiceRequest.FromString(body)
    spans = traced.resource_spans[0].scope_spans[0].spans
    ids = [
        each
        for span in spans
        for each in (span.trace_id, span.span_id, span.parent_span_id)
        if each
    ]
    assert all(each.startswith(MARKER) for each in ids)
    assert body.count(MARKER) == len(ids) == 5 + 5 + 3
    assert len({span.span_id for span in spans}) == 5
