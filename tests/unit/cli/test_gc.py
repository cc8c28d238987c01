"""The loop of ``warren gc`` against a service that is slow to answer, or refuses."""

import io
import json

import pytest

from cli.__main__ import parser
from cli.client import RETRIES, Project
from cli.gc import _confirmed, _print, _takes_everything, collect
from cli.progress import Progress
from shared.contracts.errors import DomainError, ErrorCode, invalid
from shared.contracts.purges import PurgeDeletedReply, PurgePlan, PurgeScope
from shared.messaging.messages import Answer


class FakeBus:
    """Gives these answers, one a call."""

    ready = True

    def __init__(self, *answers) -> None:
        self.answers = list(answers)
        self.names = []

    async def call(self, service, kind, envelope, seconds=None):  # noqa: ARG002
        self.names.append(envelope.name)
        answer = self.answers.pop(0)
        if isinstance(answer, DomainError):
            raise answer
        return answer if isinstance(answer, Answer) else Answer(answer.model_dump_json().encode())


PLAN = PurgePlan(runs=2, logged_models=1, experiments=0, missing=["x"])
AWAY = DomainError(ErrorCode.TEMPORARILY_UNAVAILABLE, "The service did not answer in time.")


async def gather(bus, **options):
    lines = []
    progress = Progress(terminal=False, write=lines.append)
    done = await collect(Project(bus, 1, retry_seconds=0), PurgeScope(), progress, **options)
    return done, "".join(lines)


async def test_portions_are_asked_for_until_there_is_nothing_left():
    portions = [PurgeDeletedReply(runs=2, logged_models=1), AWAY, PurgeDeletedReply(rows=7)]
    bus = FakeBus(PLAN, *portions, PurgeDeletedReply(finished=True))
    purged, lines = await gather(bus)
    assert purged.counts() == {
        "runs": 2,
        "logged_models": 1,
        "experiments": 0,
        "rows": 7,
        "missing": ["x"],
    }
    assert "Nothing has the id x" in lines
    assert lines.endswith(
        "Purged in project 1: runs 2/2, logged models 1/1, experiments 0/0; 7 rows of theirs\n"
    )
    assert bus.names == ["GetPurgePlan", *["PurgeDeleted"] * 4]


async def test_a_dry_run_only_asks_how_much_there_is():
    bus = FakeBus(PLAN)
    planned, lines = await gather(bus, dry_run=True)
    assert planned.counts() == PLAN.model_dump()
    assert bus.names == ["GetPurgePlan"]
    assert "To be purged in project 1: runs 0/2" in lines


@pytest.mark.parametrize("dry_run", [True, False])
async def test_json_has_a_line_for_each_project(capsys, dry_run):
    options = parser().parse_args(["gc", "--json", *(["--dry-run"] if dry_run else [])])
    bus = FakeBus(PLAN, PurgeDeletedReply(runs=2, logged_models=1, rows=7, finished=True))
    purged, _ = await gather(bus, dry_run=dry_run)
    _print(options, Project(bus, 1), purged.counts())
    line = json.loads(capsys.readouterr().out)
    counts = {"runs": 2, "logged_models": 1, "experiments": 0, "missing": ["x"]}
    rows = {} if dry_run else {"rows": 7}
    assert line == {"project": 1, "dry_run": dry_run, **counts, **rows}


async def test_a_refusal_ends_it_and_so_does_a_service_that_stays_away():
    with pytest.raises(DomainError, match="not in `deleted`"):
        await gather(FakeBus(Answer.refusal(invalid("Run r is not in `deleted` lifecycle stage."))))
    with pytest.raises(DomainError, match="did not answer"):
        await gather(FakeBus(*[AWAY] * (RETRIES + 1)))


def test_the_command_line_reads_lists_and_durations():
    options = parser().parse_args(["gc", "--older-than", "1h", "--run-ids", "a, b,"])
    assert options.grace == 86_400_000
    assert (options.older_than, options.run_ids, options.project) == (3_600_000, ["a", "b"], None)


@pytest.mark.parametrize(
    ("arguments", "asks"),
    [
        ("", True),
        ("--project 3", True),
        ("--sweep", True),
        ("--yes", False),
        ("--dry-run", False),
        ("--older-than 0s", False),
        ("--run-ids a", False),
    ],
)
def test_what_says_nothing_of_what_is_to_go_is_asked_for(arguments, asks):
    options = parser().parse_args(["gc", *arguments.split()])
    scope = PurgeScope(run_ids=options.run_ids)
    assert _takes_everything(options, scope) is asks


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_person_is_asked_and_only_yes_purges(monkeypatch):
    for typed, confirmed in (("y\n", True), ("yes\n", True), ("\n", False), ("no\n", False)):
        monkeypatch.setattr("sys.stdin", Terminal(typed))
        assert _confirmed() is confirmed
