"""A browser's tab that notes what goes wrong in it: requests, the console, the policy, banners, spinners."""

import asyncio
import re
import time

from playwright.async_api import ConsoleMessage, Error, Page, Request, Response

QUIET_SECONDS = 0.4
"""A page is complete when it has asked for nothing for this long, and shows nothing that turns."""

SECONDS = 120
"""How long a test waits for a page, of which CI has two cores for several at once."""

_FILM = "https://mlflow.org/docs/latest/images/"
"""The UI shows films of MLflow's site where there are no traces. The policy keeps browsers from asking there."""

_HARMLESS = (_FILM, "ResizeObserver loop")
"""A layout that takes two frames is no error."""

ABORTED = "net::ERR_ABORTED"
"""The UI gives requests up when a view goes away."""

_SPINNERS = """() => [...document.querySelectorAll(
    '[class*="spin"], [class*="Spin"], [class*="keleton"], [role="progressbar"], [aria-busy="true"]'
)].filter(each => !/spin-(container|nested)/.test(each.getAttribute('class'))
).filter(each => each.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true })).filter(each => {
    const { top, bottom } = each.getBoundingClientRect();
    return bottom > top && top < innerHeight && bottom > 0;
}).map(each => each.outerHTML.slice(0, 200))"""
"""The placeholders in view. What is further down is loaded when it is scrolled to."""

_ALERTS = """() => [...document.querySelectorAll(
    '[role="alert"], [class*="alert-error"], [class*="notification-notice"], [data-testid*="error"]'
)].filter(each => each.checkVisibility()).map(each => each.innerText.trim()).filter(Boolean)"""

_FAILURES = re.compile(
    r"Something went wrong|An error occurred|Can't load|Page Not Found|Failed to|Unable to|WebGL is not supported"
    r"|error boundary",
    re.IGNORECASE,
)


class Tab:
    """One page of the browser, and the problems since the last view was opened."""

    def __init__(self, page: Page, address: str, workspace: str = "default") -> None:
        self.page = page
        self.address = address
        self.workspace = workspace
        self.requests: list[str] = []
        self._problems: list[str] = []
        self._open: set[Request] = set()
        self._last = time.monotonic()
        page.on("request", self._begun)
        page.on("requestfinished", self._ended)
        page.on("requestfailed", self._failed)
        page.on("response", self._answered)
        page.on("console", self._said)
        page.on("pageerror", self._threw)

    async def load(self, fragment: str = "") -> None:
        """Load the UI anew, with a fragment as clients print it, and wait until the view is complete."""
        self.forget()
        await self.page.goto(f"{self.address}/{fragment and '#'}{fragment}")
        await self.complete()

    async def leave(self) -> None:
        """Open a view that keeps nothing: the tree of artifacts selects what the address names only when it is made."""
        await self.show("/models")

    async def show(self, fragment: str) -> float:
        """Open a view of the loaded UI, wait until it is complete, and return the seconds that it took."""
        self.forget()
        began = time.monotonic()
        joint = "&" if "?" in fragment else "?"
        await self.page.evaluate(f"location.hash = `{fragment}{joint}workspace={self.workspace}`")
        await self.complete()
        return self._last - began

    async def complete(self) -> None:
        """Wait until nothing is asked for and nothing turns. A spinner that stays becomes a problem."""
        self._last = time.monotonic()
        until, turning = self._last + SECONDS, []
        while time.monotonic() < until:
            await asyncio.sleep(0.05)
            if turning := await self.page.evaluate(_SPINNERS):
                self._last = time.monotonic()
            elif not self._open and time.monotonic() - self._last > QUIET_SECONDS:
                return
        waiting = [*(each.url for each in self._open), *turning]
        self._problems.append(f"still busy after {SECONDS} s: {', '.join(waiting)}")

    async def shows(self, *texts: str) -> None:
        """Wait until the page shows these texts. Raises AssertionError with what it shows instead."""
        until = time.monotonic() + SECONDS
        missing = list(texts)
        while missing := [each for each in missing if each not in await self.text()]:
            assert time.monotonic() < until, f"{missing} not in: {await self.text()}"
            await asyncio.sleep(0.1)

    async def text(self) -> str:
        """Return what the page shows."""
        return await self.page.inner_text("body")

    async def problems(self) -> list[str]:
        """Return what has gone wrong, and the errors that the page shows."""
        shown = await self.page.evaluate(_ALERTS)
        return [*self._problems, *shown, *_FAILURES.findall(await self.text())]

    def forget(self) -> None:
        """Forget the problems and requests so far."""
        self.requests.clear()
        self._problems.clear()

    def _said(self, message: ConsoleMessage) -> None:
        # The policy's violations are such messages, too.
        if message.type == "error" and not any(each in message.text for each in _HARMLESS):
            self._problems.append(message.text)

    def _threw(self, error: Error) -> None:
        if not any(each in str(error) for each in _HARMLESS):
            self._problems.append(f"uncaught: {error}")

    def _begun(self, request: Request) -> None:
        if not request.url.startswith(("blob:", "data:")):
            self._open.add(request)
            self._last = time.monotonic()

    def _ended(self, request: Request) -> None:
        self._open.discard(request)
        self._last = time.monotonic()

    def _failed(self, request: Request) -> None:
        self._ended(request)
        if request.failure != ABORTED:
            self._problems.append(f"{request.method} {request.url}: {request.failure}")

    def _answered(self, response: Response) -> None:
        self.requests.append(f"{response.request.method} {response.url} {response.status}")
        if response.status >= 400:
            self._problems.append(self.requests[-1])
