"""The message of a process that can't start."""

import pytest

from shared.runtime.starting import StartError, exit_on_start_error, starting


def test_errors_side_by_side_are_a_line_each_and_a_fault_of_ours_stays(capsys):
    known = ExceptionGroup("", [FileNotFoundError(2, "No such file", "/a"), ConnectionError("b")])
    with pytest.raises(SystemExit) as left, exit_on_start_error("Warren"), starting():
        raise ExceptionGroup("", [known, StartError("c")])
    assert left.value.code == "\n".join(
        f"Warren can't start: {each}" for each in ("/a: No such file", "b", "c")
    )
    with pytest.raises(ExceptionGroup), exit_on_start_error("Warren"), starting():
        raise ExceptionGroup("", [known, KeyError("ours")])
