import pytest

from tests.bench.peers import FASTTRACKML, WARREN
from tests.bench.scale.dataset import Dataset
from tests.bench.scale.loader import Place
from tests.bench.scale.measure import Timing, answered_items
from tests.bench.scale.report import Section, with_sections
from tests.bench.scale.rows import Bound, Request, Row, search_rows
from tests.bench.scale.sizes import TableSize

FEW = Bound(50, times=3)


def row(name):
    return Row(name, lambda _place: Request("runs/search"), FEW)


def section(timings, title="Searches: 1 experiment of 10 runs", **more):
    names = dict.fromkeys(row for row, _ in timings)
    return Section(
        title=title,
        about="Runs.",
        machine="a machine",
        versions={WARREN: "1", FASTTRACKML: "2"},
        rounds=4,
        rows=[row(name) for name in names],
        timings=timings,
        **more,
    )


def cells(text, first):
    line = next(line for line in text.splitlines() if line.startswith(f"| {first} |"))
    return line.strip("| ").split(" | ")[1:]


@pytest.mark.parametrize(
    ("milliseconds", "times", "met"),
    [(49, 3, True), (51, 30, False), (49, 2, False), (9, 0.5, True), (49, None, True)],
)
def test_bound_is_a_time_and_a_ratio_unless_the_answer_is_very_fast(milliseconds, times, met):
    assert FEW.met(milliseconds, times) is met


def test_bound_without_a_ratio_compares_the_time_alone():
    assert Bound(80).met(79, 0.1)
    assert not Bound(80).met(81, 10)


def test_row_shows_medians_their_ratio_and_whether_the_bound_is_met():
    ours = Timing((20.0, 40.0, 30.0), 50, "same")
    theirs = Timing((100.0, 80.0, 120.0), 50, "same")
    text = section({("newest", WARREN): ours, ("newest", FASTTRACKML): theirs}).markdown()
    assert cells(text, "newest") == ["50", "30.0", "100.0", "4.0 times", "50 ms, 3 times", "yes"]


def test_row_says_that_a_peer_fails_or_answers_something_else():
    ours = Timing((20.0,), 50, "ours")
    text = section(
        {
            ("refused", WARREN): ours,
            ("refused", FASTTRACKML): Timing(failure="500"),
            ("other", WARREN): ours,
            ("other", FASTTRACKML): Timing((90.0,), 50, "theirs"),
        }
    ).markdown()
    assert cells(text, "refused")[2] == "fails"
    assert cells(text, "other")[2] == "90.0 (another answer)"


def test_row_that_warren_does_not_answer_meets_no_bound():
    text = section({("newest", WARREN): Timing(failure="timeout")}).markdown()
    assert cells(text, "newest") == ["0", "fails", "", "", "50 ms, 3 times", "**no**"]


def test_sizes_are_summed():
    sizes = [TableSize("runs", 2 << 20, 1 << 20, 10), TableSize("tags", 1 << 20, 0, 5)]
    text = section({}, sizes={WARREN: sizes}).markdown()
    assert cells(text, "`runs`") == ["10", "2.0", "1.0", "3.0"]
    assert cells(text, "together") == ["", "3.0", "1.0", "4.0"]


def test_sections_of_other_data_sets_stay_on_the_page():
    first = section({}, title="Searches: 1 experiment of 10 runs")
    second = section({}, title="Searches: 2 experiments of 10 runs")
    page = with_sections(with_sections("", [first]), [second])
    assert page.startswith("# Reads at scale")
    assert page.count("## Searches") == 2
    assert with_sections(page, [second]).count("## Searches") == 2


def test_searches_ask_one_experiment_and_all_of_them():
    place = Place(["1", "2", "3"])
    asked = [each.request(place).body["experiment_ids"] for each in search_rows(Dataset(3, 10))]
    assert asked.count(["1"]) == asked.count(["1", "2", "3"]) == len(asked) / 2


def test_pages_may_take_longer_in_a_project_of_more_runs():
    small, large = (search_rows(Dataset(count, 100_000))[0].bound for count in (1, 10))
    assert (small.milliseconds, large.milliseconds) == (50, 100)


@pytest.mark.parametrize(
    ("body", "items"),
    [
        (b'{"runs":[{"info":{"run_id":"b"}},{"info":{"run_id":"a"}}]}', ["b", "a"]),
        (b'{"models":[{"info":{"model_id":"m-1"},"data":{}}]}', [""]),
        (
            b'{"metrics":[{"step":2,"value":0.5},{"step":1,"value":0.7}]}',
            [("", 1, 0.7), ("", 2, 0.5)],
        ),
        (
            b'{"run":{"data":{"metrics":[{"key":"b","value":1},{"key":"a","value":2}]}}}',
            [("a", 2), ("b", 1)],
        ),
        (b"{}", []),
    ],
)
def test_answers_are_compared_by_the_order_of_runs_and_by_the_points_of_steps(body, items):
    assert list(answered_items([body])) == items
