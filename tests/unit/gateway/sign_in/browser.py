"""Requests as a browser sends them, and signing in as a user does."""

import re

TOKEN = "glpat-abcdefghijklmnopqrstuv"
GOOD = {
    "state": "active",
    "user_id": 42,
    "username": "ann<b>",
    "scopes": ["api"],
    "project": {"id": 7, "path": "team/p"},
    "abilities": ["read_project", "read_model_experiments"],
}
"""What the access service answers about a valid token."""

NAVIGATION = {
    "Accept": "text/html,application/xhtml+xml",
    "Sec-Fetch-Site": "none",
    "Sec-Fetch-Mode": "navigate",
}
OWN = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}
BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64)", "Accept": "*/*"}
SESSION = {"Cookie": "warren-session=secret"}
SEARCH = "/ajax-api/2.0/mlflow/runs/search"
READ = "/ajax-api/2.0/mlflow/runs/get?run_id=r"
FOREIGN = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none"},
    {"Origin": "http://localhost:3000"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost:3000"},
    {},
]
"""Headers of requests that pages of other servers make."""


async def get(client, path, **headers):
    return await client.get(path, headers=headers, allow_redirects=False)


def names(bus):
    return [envelope.name for _, _, envelope in bus.sent]


async def sign_in(client, headers=None, **fields):
    """Send the form as the page has it."""
    shown = await client.get("/-/sign-in")
    (name, cookie) = next(iter(shown.cookies.items()))
    found = re.search(r'name="form" value="(\w+)"', await shown.text())
    form = {"form": found[1], "to": "/", "token": TOKEN, **fields}
    sent = {"Cookie": f"{name}={cookie.value}", **OWN, **(headers or {})}
    return await client.post("/-/sign-in", data=form, headers=sent, allow_redirects=False)
