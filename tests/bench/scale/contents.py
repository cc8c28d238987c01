"""What a bench's data folder holds already: places of contents by title and peer, in a file beside the databases."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from tests.bench.scale.loader import Place

_FILE = "contents.json"


class Contents:
    """The places of all contents that were loaded whole into the databases of a folder."""

    def __init__(self, folder: Path) -> None:
        """Read the folder's record; there is none in a new folder."""
        self._path = folder / _FILE
        text = self._path.read_text() if self._path.exists() else "{}"
        self._places: dict[str, dict[str, Place]] = {
            title: {peer: Place(**place) for peer, place in places.items()}
            for title, places in json.loads(text).items()
        }

    def of(self, title: str) -> Mapping[str, Place]:
        """Return the places of one content by peer."""
        return self._places.get(title, {})

    def refuse_other(self, title: str, kind: str) -> None:
        """Raise ValueError if the folder holds another content of this kind: the two have ids in common."""
        for other in self._places:
            if other.startswith(kind) and other != title:
                message = f"{self._path.parent} holds “{other}”, which excludes “{title}”"
                raise ValueError(message)

    def add(self, title: str, peer: str, place: Place) -> None:
        """Record that a peer has a content. The file is replaced at once, so that a kill leaves a whole one."""
        self._places.setdefault(title, {})[peer] = place
        places = {
            title: {peer: asdict(place) for peer, place in by_peer.items()}
            for title, by_peer in self._places.items()
        }
        new = self._path.with_suffix(".new")
        new.write_text(json.dumps(places, indent=1))
        new.replace(self._path)
