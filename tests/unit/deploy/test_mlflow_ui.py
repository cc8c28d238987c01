"""Unpacking the web UI keeps its files, the licence, and nothing else of the wheel."""

import gzip
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from tools.mlflow_ui import unpack, unpack_catalogue

BUILD = "mlflow/server/js/build"
MEMBERS = {
    f"{BUILD}/": b"",
    f"{BUILD}/index.html": b"<html></html>",
    f"{BUILD}/static/js/main.c2f5f8d4.js": b"run();" * 100,
    f"{BUILD}/static/media/logo.png": b"\x89PNG",
    "mlflow/server/handlers.py": b"pass",
    "mlflow/utils/model_catalog/__init__.py": b"",
    "mlflow/utils/model_catalog/openai.json": b"{}",
    "mlflow-3.17.2.dist-info/licenses/LICENSE.txt": b"Apache License",
}


@pytest.fixture
def wheel(tmp_path):
    path = tmp_path / "mlflow-3.17.2-py3-none-any.whl"
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        for name, content in MEMBERS.items():
            archive.writestr(name, content)
    return path


def test_only_the_ui_is_kept_with_compressed_copies(wheel, tmp_path):
    directory = tmp_path / "build"
    unpack(wheel, directory)
    kept = {
        path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file()
    }
    assert kept == {
        "LICENSE.txt",
        "index.html",
        "index.html.gz",
        "static/js/main.c2f5f8d4.js",
        "static/js/main.c2f5f8d4.js.gz",
        "static/media/logo.png",
    }
    script = directory / "static/js/main.c2f5f8d4.js"
    assert script.read_bytes() == gzip.decompress(
        script.with_name("main.c2f5f8d4.js.gz").read_bytes()
    )


def test_catalogue_is_kept_apart(wheel, tmp_path):
    directory = tmp_path / "catalogue"
    unpack_catalogue(wheel, directory)
    assert [path.name for path in directory.iterdir()] == ["openai.json"]


def test_error_of_a_write_is_raised(wheel, tmp_path, monkeypatch):
    monkeypatch.setattr("tools.mlflow_ui.gzip.compress", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        unpack(wheel, tmp_path / "build")
