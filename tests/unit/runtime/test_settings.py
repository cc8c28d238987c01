import sys

import pytest

from deploy.local.stack.settings import StackSettings
from deploy.local.standalone.settings import StandaloneSettings
from services.gateway.settings import Settings as Gateway
from services.tracking.settings import TrackingSettings
from shared.runtime.settings import read_settings


@pytest.fixture(autouse=True)
def no_flags(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["service"])


def test_group_of_settings_is_read_from_variables_with_its_prefix(monkeypatch):
    monkeypatch.setenv("WARREN_TRACKING_DSN", "postgresql://x")
    monkeypatch.setenv("WARREN_TRACKING_POOL_SIZE", "3")
    monkeypatch.setenv("WARREN_AMQP_URL", "amqp://y")
    settings = read_settings(TrackingSettings)
    assert settings.amqp_url == "amqp://y"
    assert (settings.tracking.dsn, settings.tracking.pool_size) == ("postgresql://x", 3)


def test_flag_wins_over_the_variable(monkeypatch):
    monkeypatch.setenv("WARREN_TRACKING_DSN", "postgresql://x")
    monkeypatch.setattr(sys, "argv", ["service", "--tracking.pool-size", "5"])
    assert read_settings(TrackingSettings).tracking.pool_size == 5


def left_with(capsys, kind):
    """Read wrong settings; return what the process leaves with."""
    with pytest.raises(SystemExit) as left:
        read_settings(kind)
    return left.value.code, capsys.readouterr().err


def test_missing_variable_is_named(capsys):
    assert left_with(capsys, TrackingSettings) == (2, "WARREN_TRACKING_DSN: Field required\n")


def test_every_wrong_variable_is_named(monkeypatch, capsys):
    monkeypatch.setenv("WARREN_TRACKING_DSN", "postgresql://x")
    monkeypatch.setenv("WARREN_TRACKING_POOL_SIZE", "many")
    monkeypatch.setenv("WARREN_LOG_LEVEL", "loud")
    code, said = left_with(capsys, TrackingSettings)
    assert code == 2
    assert "WARREN_TRACKING_POOL_SIZE: " in said
    assert "WARREN_LOG_LEVEL: " in said


@pytest.mark.parametrize("kind", [TrackingSettings, StandaloneSettings, StackSettings, Gateway])
@pytest.mark.parametrize("given", ["INFO", "info", "Info"])
def test_level_of_logs_is_read_in_any_case(monkeypatch, kind, given):
    monkeypatch.setenv("WARREN_TRACKING_DSN", "postgresql://x")
    monkeypatch.setenv("WARREN_LOG_LEVEL", given)
    assert read_settings(kind).log_level == "info"


def test_monitor_is_off_unless_its_port_is_set(monkeypatch):
    assert read_settings(Gateway).monitor.port is None
    monkeypatch.setenv("WARREN_MONITOR_PORT", "9090")
    monitor = read_settings(Gateway).monitor
    assert (monitor.host, monitor.port) == ("127.0.0.1", 9090)
