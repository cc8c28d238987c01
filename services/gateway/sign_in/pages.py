"""The HTML of the sign-in pages. It works without JavaScript, and with the colours that the reader prefers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from importlib.resources import files
from string import Template
from urllib.parse import quote

from aiohttp.web import Response

from services.gateway.sign_in.targets import from_sign_in
from shared.contracts.sessions import Session
from shared.contracts.workspaces import Workspace

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    # With "no-referrer" browsers would send forms with "Origin: null".
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}

_PAGE = Template((files(__package__) / "page.html").read_text("utf-8"))

_OPEN = "<p>This server is open: its default project needs no sign-in.</p>"
_FORM = """<form method="post" action="sign-in">
<input type="hidden" name="form" value="{form}">
<input type="hidden" name="to" value="{to}">
<label for="token">Access token</label>
<input id="token" name="token" type="password" autocomplete="current-password" spellcheck="false"
 maxlength="255" required autofocus aria-describedby="about">
<p id="about">A token begins with <code>glpat-</code>. An administrator makes one with <code>warren token create</code>.
It needs the scope <code>api</code> or, to read only, <code>read_api</code>.</p>
<button>Sign in</button>
</form>"""
_OUT = """<form class="inline" method="post" action="sign-out">
<input type="hidden" name="form" value="{form}">{everywhere}
<button>{label}</button>
</form>"""
_EVERYWHERE = '<input type="hidden" name="everywhere" value="1">'
_SESSIONS = """<h2>Sessions</h2>
<table>
<thead><tr>
<th scope="col">Token</th><th scope="col">Signed in</th><th scope="col">Last used</th><th scope="col">Ends</th>
</tr></thead>
<tbody>
{rows}
</tbody>
</table>
<p>Times are UTC. A session ends with its token: <code>warren token revoke</code> ends both.</p>"""


@dataclass(frozen=True, slots=True)
class Account:
    """The contents of the account page. ``form`` is the token of its forms; empty without a session."""

    username: str
    may_write: bool
    workspaces: Sequence[Workspace]
    sessions: Sequence[Session]
    form: str


def sign_in_page(
    to: str, form: str, *, is_open: bool, error: str = "", status: int = 200
) -> Response:
    """Return the page with the form. ``to`` is where it leads, and ``form`` the token of the form."""
    onward = _onward(to, "Continue without signing in") if is_open else ""
    content = [
        _error(error),
        f"{_OPEN}{onward}<h2>See your other projects</h2>" if is_open else "",
        _FORM.format(form=escape(form), to=escape(to)),
    ]
    return _page("Sign in", content, status)


def signed_in_page(to: str, username: str, form: str) -> Response:
    """Return the sign-in page for someone who is signed in."""
    content = [
        f"<p>You are signed in as <strong>{escape(username)}</strong>.</p>",
        # The script adds the fragment to this field's value, and to the link.
        f'<input type="hidden" name="to" value="{escape(to)}">{_onward(to, "Continue")}',
        '<p><a href="account">Your account</a></p>',
        _OUT.format(form=escape(form), everywhere="", label="Sign out"),
    ]
    return _page("Signed in", content)


def account_page(account: Account) -> Response:
    """Return the page that says who is signed in, with the projects and sessions, and the buttons to sign out."""
    rights = "everything that you may do" if account.may_write else "reading"
    content = [
        f"<p>You are signed in as <strong>{escape(account.username)}</strong>. Your token allows {rights}.</p>",
        _onward("/", "Open the web UI"),
        *_sign_out(account.form),
        "<h2>Projects</h2>",
        _projects(account.workspaces),
    ]
    if account.sessions:
        content.append(_SESSIONS.format(rows="\n".join(map(_session, account.sessions))))
    return _page("Your account", content)


def error_page(message: str, status: int) -> Response:
    """Return the page for an error."""
    return _page(
        "The request failed", [_error(message), '<p><a href="sign-in">Sign in</a></p>'], status
    )


def _page(title: str, content: Sequence[str], status: int = 200) -> Response:
    text = _PAGE.substitute(title=escape(title), content="\n".join(filter(None, content)))
    return Response(
        text=text, status=status, content_type="text/html", charset="utf-8", headers=HEADERS
    )


def _error(message: str) -> str:
    return f'<p class="error" role="alert">{escape(message)}</p>' if message else ""


def _onward(to: str, label: str) -> str:
    return f'<p><a data-onward href="{escape(from_sign_in(to))}">{escape(label)}</a></p>'


def _sign_out(form: str) -> list[str]:
    if not form:
        return []
    return [
        _OUT.format(form=escape(form), everywhere="", label="Sign out"),
        _OUT.format(form=escape(form), everywhere=_EVERYWHERE, label="Sign out everywhere"),
    ]


def _projects(workspaces: Sequence[Workspace]) -> str:
    if not workspaces:
        return "<p>You may read no project yet.</p>"
    items = "\n".join(
        f'<li><a href="../#/experiments?workspace={quote(each.name, safe="")}">{escape(each.name)}</a></li>'
        for each in workspaces
    )
    return f"<ul>\n{items}\n</ul>"


def _session(session: Session) -> str:
    own = " (this one)" if session.is_own else ""
    times = (session.creation_time, session.last_used_time, session.expiry_time)
    cells = "".join(f"<td>{_minute(each)}</td>" for each in times)
    return f"<tr><td>{escape(session.token_name)}{own}</td>{cells}</tr>"


def _minute(unix_ms: int) -> str:
    return datetime.fromtimestamp(unix_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")
