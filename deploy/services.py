"""The services, found by their folders, so that ``deploy`` keeps no list of them by hand.

A folder of ``services/`` with a ``__main__.py`` is a service. One with ``migrations/`` has a schema in PostgreSQL.
"""

from importlib import import_module
from pathlib import Path

import services
from shared.runtime.settings import ProcessSettings

_FOLDERS = Path(*services.__path__)

SERVICES = tuple(sorted(file.parent.name for file in _FOLDERS.glob("*/__main__.py")))

POSTGRES_SERVICES = tuple(name for name in SERVICES if (_FOLDERS / name / "migrations").is_dir())
"""Services with a schema. Each has settings of its DSN in ``provision/settings.py`` and ``local/stack/settings.py``."""


def settings_of(service: str) -> type[ProcessSettings]:
    """Return the settings class of a service: the only one that ``services/<name>/settings.py`` defines."""
    module = import_module(f"services.{service}.settings")
    [found] = [
        each
        for each in vars(module).values()
        if isinstance(each, type)
        and issubclass(each, ProcessSettings)
        and each.__module__ == module.__name__
    ]
    return found
