"""Every list of services that is not derived from the folders of `services/` names all of them."""

import re
from pathlib import Path

import pytest
import yaml

from cli.backup.settings import SERVICES as SAVED
from cli.backup.settings import BackupSettings
from deploy.local.stack.settings import StackSettings
from deploy.provision.settings import ProvisionSettings
from deploy.services import POSTGRES_SERVICES
from deploy.services import SERVICES as FOLDERS
from shared.messaging.topology import CLI, GATEWAY, SERVICES

ROOT = Path(__file__).parents[3]
PROCESS_FOLDERS = set(FOLDERS)
SCHEMA_FOLDERS = set(POSTGRES_SERVICES)
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


def composed() -> set[str]:
    """Return the containers of Warren's image, without the one that prepares the servers."""
    content = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    return {name for name, each in content.items() if "build" in each} - {"provision"}


@pytest.mark.parametrize(
    ("where", "names"),
    [
        ("shared/messaging/topology.py", {GATEWAY, *SERVICES}),
        ("deploy/local/stack/settings.py", PROCESS_FOLDERS & StackSettings.model_fields.keys()),
        ("deploy/prometheus/prometheus.yml", scraped()),
        ("deploy/helm/warren/templates/_helpers.tpl", helm_list("warren.services")),
        ("docker-compose.yml", composed() - {CLI}),
    ],
)
def test_a_list_of_services_has_every_folder(where, names):
    assert names == PROCESS_FOLDERS, where


@pytest.mark.parametrize(
    ("where", "names"),
    [
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


def test_the_folders_are_the_services_that_run() -> None:
    """Else a mistake in the search for folders would empty every list that is derived from it."""
    assert {"access", "artifacts", "gateway", "registry", "tracking"} <= PROCESS_FOLDERS
    assert {"artifacts", "gateway"} == PROCESS_FOLDERS - SCHEMA_FOLDERS
