import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.mlflow.content_types import attachment, content_type


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a/model.pkl", "application/octet-stream"),
        ("MLmodel", "text/plain"),
        ("a.yaml", "text/plain"),
        ("a.json", "text/plain"),
        ("a.png", "image/png"),
        ("page.html", "text/html"),
        ("table.csv", "text/plain"),
        ("a.tar.gz", "application/x-tar"),
        ("no extension", "application/octet-stream"),
        ("strange#?.png", "image/png"),
        ("data:text,x.png", "image/png"),
        ("größe.svg", "image/svg+xml"),
    ],
)
def test_type_follows_from_the_name_as_mlflow_has_it(name, expected):
    assert content_type(name) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("plain.txt", 'attachment; filename="plain.txt"'),
        ('say "hi".txt', 'attachment; filename="say \\"hi\\".txt"'),
        ("größe.txt", "attachment; filename*=UTF-8''gr%C3%B6%C3%9Fe.txt"),
        ("a\r\nSet-Cookie: x", "attachment; filename*=UTF-8''a%0D%0ASet-Cookie%3A%20x"),
    ],
)
def test_names_of_attachments(name, expected):
    assert attachment(name) == expected


@given(st.text())
def test_no_name_breaks_out_of_its_header(name):
    try:
        header = attachment(name)
    except UnicodeEncodeError:
        return  # A lone surrogate has no UTF-8; no path holds one.
    assert header.isascii()
    assert header.isprintable()
