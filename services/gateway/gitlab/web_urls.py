"""Fills in ``web_url``, the address of a project, group or user in a browser, in answers of the REST API."""

from collections.abc import Callable
from typing import Any

from aiohttp.web import BaseRequest

from services.gateway.mlflow.routes import GITLAB_PREFIX, MLFLOW_OF_PROJECT

Item = dict[str, Any]

Fill = Callable[[BaseRequest, Item], Item]
"""Returns an object of an answer with its ``web_url``, if it has that field."""


def origin_of(request: BaseRequest) -> str:
    """Return the scheme and host of the request's URL."""
    return f"{request.scheme}://{request.host}"


def web_urls(gitlab_url: str) -> Fill:
    """Return the function that fills in ``web_url``: the page with the same path on the GitLab at ``gitlab_url``.

    Without a GitLab the ``web_url`` of a project is its page on this server. Users and groups have no page.
    """
    base = gitlab_url.rstrip("/")

    def fill(request: BaseRequest, item: Item) -> Item:
        if "web_url" not in item:
            return item
        if base:
            return {**item, "web_url": f"{base}/{_path_at_gitlab(item)}"}
        if "path_with_namespace" not in item:
            return item
        page = f"{GITLAB_PREFIX}projects/{item['id']}{MLFLOW_OF_PROJECT}/"
        return {**item, "web_url": origin_of(request) + page}

    return fill


def _path_at_gitlab(item: Item) -> str:
    """Return the path of the page. The field that holds the path shows whether it is a project, group or user."""
    if "path_with_namespace" in item:
        return str(item["path_with_namespace"])
    return f"groups/{item['full_path']}" if "full_path" in item else str(item["username"])
