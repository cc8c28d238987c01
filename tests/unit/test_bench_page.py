import pytest

from tests.bench.load import Measurement, median
from tests.bench.report import HEADING_OF_TRANSFERS, kept_section, with_section

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
