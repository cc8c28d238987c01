"""Writes docs/configuration.md, the table of every variable."""

import argparse
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

from deploy.local.stack.settings import StackSettings
from deploy.local.standalone.settings import StandaloneSettings
from deploy.provision.settings import ProvisionSettings
from deploy.services import SERVICES, settings_of
from shared.runtime.settings import PREFIX, group_of

PAGE = Path(__file__).parents[1] / "docs" / "configuration.md"
HEAD = """# Configuration

Every process is configured by environment variables alone; each is also a flag (`--help` lists them).
This page is generated from the settings classes: `make docs`.
"""
PROCESSES: dict[str, type[BaseSettings]] = {
    "`make run` (`deploy.local.standalone`)": StandaloneSettings,
    "`make stack` (`deploy.local.stack`)": StackSettings,
    "`deploy.provision`": ProvisionSettings,
    **{f"`services.{name}`": settings_of(name) for name in SERVICES},
}


def page() -> str:
    """Return the page as Markdown."""
    return HEAD + "".join(_section(title, kind) for title, kind in PROCESSES.items())


def _section(title: str, kind: type[BaseSettings]) -> str:
    rows = "\n".join(_rows(kind, PREFIX))
    return f"\n## {title}\n\n| variable | default | meaning |\n|---|---|---|\n{rows}\n"


def _rows(kind: type[BaseModel], prefix: str, required: str = "required") -> Iterator[str]:
    for name, field in kind.model_fields.items():
        variable = prefix + name.upper()
        if inner := group_of(field.annotation):
            # In an optional group a field is required only if another field of the group is set.
            optional = inner is not field.annotation
            yield from _rows(inner, f"{variable}_", "with the others" if optional else required)
            continue
        default = required if field.default is PydanticUndefined else f"`{field.default}`"
        meaning = " ".join((field.description or "").split())
        yield f"| `{variable}` | {default if default != '``' else ''} | {meaning} |"


def main() -> None:
    """Write the page."""
    PAGE.write_text(page())
    print(f"Written: {PAGE}")


if __name__ == "__main__":
    argparse.ArgumentParser(
        prog="python -m tools.configuration_page", description=__doc__
    ).parse_args()
    main()
