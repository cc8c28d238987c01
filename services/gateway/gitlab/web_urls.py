"""Where what the REST API tells of is looked at in a browser: GitLab's ``web_url``."""

from collections.abc import Callable
from typing import Any

from aiohttp.web import BaseRequest

from services.gateway.mlflow.routes import GITLAB, MLFLOW_OF_PROJECT

Item = dict[str, Any]

Fill = Callable[[BaseRequest, Item], Item]
"""Gives an object of an answer its ``web_url``, if it has that field."""


def origin_of(request: BaseRequest) -> str:
    """Return scheme and host of the address that the client has asked."""
    return f"{request.scheme}://{request.host}"


def web_urls(gitlab_url: str) -> Fill:
    """Make what fills them in: with pages of the same path on a GitLab, if there is one beside us.

    Without one a project has its page here, and users and groups have none.
    """
    base = gitlab_url.rstrip("/")

    def fill(request: BaseRequest, item: Item) -> Item:
        if "web_url" not in item:
            return item
        if base:
            return {**item, "web_url": f"{base}/{_path_at_gitlab(item)}"}
        if "path_with_namespace" not in item:
            return item
        page = f"{GITLAB}projects/{item['id']}{MLFLOW_OF_PROJECT}/"
        return {**item, "web_url": origin_of(request) + page}

    return fill


def _path_at_gitlab(item: Item) -> str:
    """Tell a project from a group and a user by the field that holds its path."""
    if "path_with_namespace" in item:
        return str(item["path_with_namespace"])
    return f"groups/{item['full_path']}" if "full_path" in item else str(item["username"])
