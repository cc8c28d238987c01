import pytest
from yarl import URL

from services.gateway.http.routing import RouteTable, variables


def table(*paths):
    routes = RouteTable()
    for path in paths:
        routes.add("GET", path, path)
    return routes


def found(routes, path):
    route = routes.find(path)
    return route and (route.methods["GET"].handler, dict(route.parameters))


def test_fixed_path_goes_before_a_template():
    routes = table("/models/{model_id}", "/models/search")
    assert found(routes, "/models/search") == ("/models/search", {})
    assert found(routes, "/models/m-1") == ("/models/{model_id}", {"model_id": "m-1"})


@pytest.mark.parametrize("path", ["/models/", "/models", "/models/a/b", "/other/a", "/models/a/"])
def test_variable_stands_for_exactly_one_segment(path):
    assert found(table("/models/{model_id}"), path) is None


def test_variable_is_decoded_once_and_keeps_an_encoded_slash():
    routes = table("/models/{model_id}/tags")
    assert found(routes, "/models/a%2Fb%2520c/tags")[1] == {"model_id": "a/b%20c"}


@pytest.mark.parametrize("tail", ["", "a", "a/b/c", "a//b", "%0A"])
def test_path_variable_takes_the_rest(tail):
    routes = table("/files/{path:path}")
    assert found(routes, f"/files/{tail}")[1] == {"path": URL(tail, encoded=True).path}


def test_get_answers_head_too():
    assert set(table("/a/{b}").find("/a/x").methods) == {"GET", "HEAD"}


def test_variables_are_named_in_order():
    assert variables("/a/{b}/c/{d:path}") == ["b", "d"]


@pytest.mark.parametrize(
    ("path", "leads_to"),
    [
        ("//a/b", ("/a/b", {})),
        ("/a//b", ("/a/b", {})),
        ("///a///b", ("/a/b", {})),
        ("/a/b//", None),
        ("//m//1//tags", ("/m/{id}/tags", {"id": "1"})),
        ("//m//1%2F%2F2", ("/m/{id}", {"id": "1//2"})),
        ("//files//d", ("/files/{path:path}", {"path": "/d"})),
        ("//files/d//e///f", ("/files/{path:path}", {"path": "d//e///f"})),
        ("//m//1//files/d//e", ("/m/{id}/files/{path:path}", {"id": "1", "path": "d//e"})),
        ("//none", None),
    ],
)
def test_doubled_slashes_count_as_one_but_for_those_of_a_path_inside(path, leads_to):
    routes = table(
        "/a/b", "/m/{id}", "/m/{id}/tags", "/m/{id}/files/{path:path}", "/files/{path:path}"
    )
    assert routes.find(path) is None
    route = routes.find_loosely(path)
    assert (route and (route.methods["GET"].handler, dict(route.parameters))) == leads_to
