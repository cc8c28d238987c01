import gzip

import pytest

INDEX = '<html><head></head><body><script defer src="static-files/main.js"></script></body></html>'
SCRIPT = "static/js/main.c2f5f8d4.js"


@pytest.fixture(scope="session")
def build(tmp_path_factory):
    """A small build of the UI, as ``tools/mlflow_ui.py`` writes it."""
    directory = tmp_path_factory.mktemp("ui") / "build"
    files = {
        "index.html": INDEX.encode(),
        "manifest.json": b"{}",
        "favicon.ico": b"icon",
        SCRIPT: b"run();" * 100,
        "static/media/logo.8b43027f47b20503057d.png": b"\x89PNG",
        "LICENSE.txt": b"Apache",
    }
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (directory / f"{SCRIPT}.gz").write_bytes(gzip.compress(files[SCRIPT]))
    (directory.parent / "secret.json").write_text("{}")
    return directory


@pytest.fixture
def settings(default_settings, build):
    return default_settings.model_copy(update={"ui_directory": build})
