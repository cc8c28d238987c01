"""Every list that names the services names all of them. The folders of `services/` are what counts."""

import re
from pathlib import Path

import pytest
import yaml

from cli import doctor
from cli.backup.settings import SERVICES as SAVED
from cli.backup.settings import BackupSettings
from deploy.local.stack.services import SETTINGS
from deploy.local.stack.settings import StackSettings
from deploy.local.standalone.__main__ import POSTGRES_SERVICES as STANDALONE
from deploy.provision.settings import POSTGRES_SERVICES, ProvisionSettings
from shared.messaging.topology import GATEWAY, SERVICES
from tools.configuration_page import PROCESSES

ROOT = Path(__file__).parents[3]
PROCESS_FOLDERS = {file.parent.name for file in ROOT.glob("services/*/__main__.py")}
SCHEMA_FOLDERS = {folder.parent.name for folder in ROOT.glob("services/*/migrations")}
HELPERS = (ROOT / "deploy/helm/warren/templates/_helpers.tpl").read_text()


def helm_list(name: str) -> set[str]:
    """Return the words of a named template of the chart."""
    [words] = re.findall(rf'define "{name}" -}}}}\n(.*)\n', HELPERS)
    return set(words.split())


def scraped() -> set[str]:
    """Return the names that Prometheus resolves."""
    content = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    [warren] = [each for each in content["scrape_configs"] if each["job_name"] == "warren"]
    return set(warren["dns_sd_configs"][0]["names"])


def import_linter() -> set[str]:
    """Return the services that import-linter keeps apart."""
    text = (ROOT / "pyproject.toml").read_text()
    [modules] = re.findall(r'type = "independence"\nmodules = \[(.*?)\]', text, re.DOTALL)
    return {name.removeprefix("services.") for name in re.findall(r'"([\w.]+)"', modules)}


@pytest.mark.parametrize(
    ("where", "names"),
    [
        ("shared/messaging/topology.py", {GATEWAY, *SERVICES}),
        ("deploy/local/stack/services.py", set(SETTINGS)),
        ("deploy/local/stack/settings.py", PROCESS_FOLDERS & StackSettings.model_fields.keys()),
        ("cli/doctor.py", {GATEWAY, *doctor.SERVICES, *doctor.OPTIONAL}),
        ("deploy/prometheus/prometheus.yml", scraped()),
        ("deploy/helm/warren/templates/_helpers.tpl", helm_list("warren.services")),
        ("pyproject.toml", import_linter()),
        (
            "tools/configuration_page.py",
            {name for name in PROCESS_FOLDERS if f"`services.{name}`" in PROCESSES},
        ),
    ],
)
def test_a_list_of_services_has_every_folder(where, names):
    assert names == PROCESS_FOLDERS, where


@pytest.mark.parametrize(
    ("where", "names"),
    [
        ("deploy/provision/settings.py", set(POSTGRES_SERVICES)),
        ("deploy/local/standalone/__main__.py", set(STANDALONE)),
        ("cli/backup/settings.py", set(SAVED)),
        ("cli/backup/settings.py", SCHEMA_FOLDERS & BackupSettings.model_fields.keys()),
        ("deploy/helm/warren/templates/_helpers.tpl", helm_list("warren.schemas")),
        *(
            (
                f"the DSNs of {kind.__name__}",
                {name for name in SCHEMA_FOLDERS if f"{name}_dsn" in kind.model_fields},
            )
            for kind in (ProvisionSettings, StackSettings)
        ),
    ],
)
def test_a_list_of_schemas_has_every_folder_with_migrations(where, names):
    assert names == SCHEMA_FOLDERS, where
