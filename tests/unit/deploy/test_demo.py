"""`make demo` leaves a link that works, or says what makes it work."""

from contextlib import contextmanager

import pytest

from tools import demo

PAGE = "http://127.0.0.1:5000/#/experiments/1/runs/r"


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the demo with a server that stays, or ends with it; return where it logged and what it printed."""
    for name in ("MLFLOW_TRACKING_URI", "WARREN_HOST", "WARREN_PORT", "WARREN_HTTP_TLS_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    logged = []

    def train(uri):
        logged.append(uri)
        return PAGE

    monkeypatch.setattr(demo, "train_and_read_back", train)

    def with_server(*, stays):
        @contextmanager
        def server(_uri):
            yield stays

        monkeypatch.setattr(demo, "server", server)
        demo.main()
        return logged[-1], capsys.readouterr().out

    return with_server


def test_link_is_printed_where_the_server_stays(run, monkeypatch):
    assert run(stays=True) == ("http://127.0.0.1:5000", f"\nIts page: {PAGE}\n")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://warren.example.com")
    assert run(stays=False) == ("https://warren.example.com", f"\nIts page: {PAGE}\n")


def test_server_that_ended_is_not_linked_but_how_to_start_it_again(run, monkeypatch):
    monkeypatch.setenv("WARREN_HOST", "0.0.0.0")
    uri, printed = run(stays=False)
    assert uri == "http://127.0.0.1:5000"
    assert printed == (
        f"\nThe demo's server has ended; its data stay. To see the run: `make run`, then {PAGE}\n"
    )
