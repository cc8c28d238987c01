"""An audit that did not look is no clean one."""

import json

import pytest

from tools.audit import CLEAN, UNKNOWN, WEAK, audit, report

GOOD = {"name": "good", "version": "1", "vulns": []}
WEAKNESS = {"id": "CVE-1", "fix_versions": ["2.1"], "aliases": [], "description": "d"}
BAD = {"name": "bad", "version": "2", "vulns": [WEAKNESS]}
SKIPPED = {"name": "skipped", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("packages", "status", "said"),
    [
        ([GOOD], CLEAN, "1 packages without"),
        ([GOOD, BAD], WEAK, "bad 2: CVE-1, fixed in 2.1"),
        ([GOOD, SKIPPED], UNKNOWN, "1 of 2 packages"),
        ([BAD, SKIPPED], WEAK, "Not audited: 1"),
        ([], UNKNOWN, ""),
    ],
)
def test_status_tells_what_is_known(capsys, packages, status, said):
    assert report(json.dumps({"dependencies": packages, "fixes": []})) == status
    assert said in capsys.readouterr().out


def test_service_that_is_away_is_said_to_be(capsys):
    nowhere = ("-s", "osv", "--osv-url", "http://127.0.0.1:9/", "--timeout", "2")
    assert audit(nowhere) == UNKNOWN
    said = capsys.readouterr().out
    assert "Nothing was audited" in said
    assert "Connection refused" in said
