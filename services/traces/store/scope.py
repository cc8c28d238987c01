"""The traces that a search may find."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.mlflow.search.sql import Bindings


@dataclass(frozen=True, slots=True)
class Scope:
    """The traces of some experiments of a project."""

    project: int
    experiments: Sequence[int]

    def condition(self, bindings: Bindings) -> str:
        """Return the condition on a trace."""
        return self.on("t", bindings)

    def on(self, alias: str, bindings: Bindings) -> str:
        """Return the condition on a table. For one experiment an index has the order."""
        project = bindings.add(self.project, "bigint")
        if len(self.experiments) == 1:
            wanted = f"{alias}.experiment_id = {bindings.add(self.experiments[0], 'bigint')}"
        else:
            wanted = f"{alias}.experiment_id = ANY({bindings.add(self.experiments, 'bigint[]')})"
        return f"{alias}.project_id = {project} AND {wanted}"
