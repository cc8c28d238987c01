"""Chromium by its DevTools protocol: opens pages, runs scripts in them, and reads what is on them."""

import asyncio
import itertools
import shutil
from contextlib import asynccontextmanager
from html.parser import HTMLParser

import aiohttp

_ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--remote-debugging-address=127.0.0.1",
    "--remote-debugging-port=0",
    "about:blank",
)
_SECONDS = 60


def installed():
    """Return the browser's program, or None."""
    return shutil.which("chromium") or shutil.which("google-chrome")


class Text(HTMLParser):
    """The visible text of a page, and the names of its elements."""

    def __init__(self, markup):
        super().__init__()
        self.elements = []
        self.href = None
        self.links = {}
        self.words = []
        self.feed(markup)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        self.href = dict(attrs).get("href")

    def handle_data(self, data):
        self.words.append(data)
        self.links.setdefault(data, self.href)


class Tab:
    """One page; its scripts' errors are the test's."""

    def __init__(self, socket):
        self._socket = socket
        self._numbers = itertools.count(1)

    async def run(self, script):
        """Run JavaScript and return what it evaluates to, awaited."""
        parameters = {"expression": script, "awaitPromise": True, "returnByValue": True}
        result = await self._call("Runtime.evaluate", parameters)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    async def until(self, condition):
        """Wait until a JavaScript expression is true."""
        async with asyncio.timeout(_SECONDS):
            while not await self.run(f"Boolean({condition})"):
                await asyncio.sleep(0.05)

    async def read(self):
        """Wait for a view and return it."""
        await self.until("document.querySelector('main > :not(noscript)')")
        return Text(await self.run("document.documentElement.outerHTML"))

    async def _call(self, method, parameters):
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        async with asyncio.timeout(_SECONDS):
            while (answer := await self._socket.receive_json()).get("id") != number:
                pass
        return answer["result"]


class Browser:
    """A running Chromium."""

    def __init__(self, session, port):
        self._session = session
        self._address = f"http://127.0.0.1:{port}"

    @asynccontextmanager
    async def tab(self, url):
        """Open an address in a tab of its own."""
        async with self._session.put(f"{self._address}/json/new", params=None) as answer:
            target = await answer.json(content_type=None)
        async with self._session.ws_connect(
            target["webSocketDebuggerUrl"], max_msg_size=0
        ) as socket:
            tab = Tab(socket)
            await tab._call("Page.navigate", {"url": url})
            yield tab
        async with self._session.get(f"{self._address}/json/close/{target['id']}"):
            pass


@asynccontextmanager
async def running(profile):
    """Run Chromium with its data in a folder."""
    process = await asyncio.create_subprocess_exec(
        installed(),
        f"--user-data-dir={profile}",
        *_ARGUMENTS,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        port = profile / "DevToolsActivePort"
        async with asyncio.timeout(_SECONDS):
            while not port.exists() or not port.read_text().strip():
                await asyncio.sleep(0.05)
        async with aiohttp.ClientSession() as session:
            yield Browser(session, port.read_text().split()[0])
    finally:
        process.terminate()
        await process.wait()
