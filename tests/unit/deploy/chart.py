"""The Helm chart, rendered without a cluster, and what is asked of its manifests."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.messaging import topology

helm = pytest.importorskip("helm_python", reason="Helm's library has no wheel for this platform")

SERVICES = {topology.GATEWAY, *topology.SERVICES}
CHART = Path(__file__).parents[3] / "deploy/helm/warren"
EXAMPLES = {path.stem: yaml.safe_load(path.read_text()) for path in CHART.glob("examples/*.yaml")}

Manifest = dict[str, Any]


@dataclass(frozen=True)
class Release:
    """What one set of values makes."""

    manifests: list[Manifest]
    notes: str

    def of(self, kind: str) -> dict[str, Manifest]:
        """Return the manifests of a kind by their component."""
        label = "app.kubernetes.io/component"
        return {
            each["metadata"]["labels"][label]: each
            for each in self.manifests
            if each["kind"] == kind
        }

    @property
    def pods(self) -> dict[str, Manifest]:
        """Return the Pods' templates by their component."""
        owners = {**self.of("Deployment"), **self.of("Job")}
        return {name: each["spec"]["template"] for name, each in owners.items()}


def render(values: Mapping[str, Any]) -> Release:
    """Render as a first installation in the namespace `ml`; raises HelmError."""
    files = helm.Chart.load(CHART).render(dict(values), name="warren", namespace="ml")
    notes = files.pop("warren/templates/NOTES.txt")
    manifests = [each for text in files.values() for each in yaml.safe_load_all(text) if each]
    return Release(manifests, notes)


@cache
def example(name: str) -> Release:
    return render(EXAMPLES[name])


def changed(name: str, path: str, value: Any) -> dict[str, Any]:
    """Return an example's values with one other value, at `a.b.c`."""
    values: dict[str, Any] = yaml.safe_load((CHART / f"examples/{name}.yaml").read_text())
    *parents, last = path.split(".")
    inner = values
    for each in parents:
        inner = inner.setdefault(each, {})
    inner[last] = value
    return values


def environment(pod: Manifest) -> dict[str, Manifest]:
    """Return a Pod's variables by name."""
    [container] = pod["spec"]["containers"]
    return {each["name"]: each for each in container["env"]}


def secrets(pod: Manifest) -> Iterator[tuple[str, str]]:
    """List the Secrets and keys that a Pod is given."""
    for each in environment(pod).values():
        if reference := each.get("valueFrom", {}).get("secretKeyRef"):
            yield reference["name"], reference["key"]
