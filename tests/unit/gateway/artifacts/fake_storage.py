"""An HTTP server in place of the storage: keeps what is put, and fails on demand."""

import asyncio
import contextlib
import json
from urllib.parse import quote

from aiohttp import web

from shared.messaging.messages import Answer


class FakeStorage:
    """``objects`` by path. ``answer`` replaces any answer: status, headers, body."""

    def __init__(self):
        self.objects = {}
        self.requests = []
        self.answer = None
        self.break_after = None
        self.silent = False
        self.url = ""
        self._runner = None

    async def start(self):
        server = web.Server(self._serve)
        self._runner = web.ServerRunner(server)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self):
        await self._runner.cleanup()

    async def _serve(self, request):
        self.requests.append(request)
        if self.answer is not None:
            status, headers, body = self.answer
            return web.Response(status=status, headers=headers, body=body)
        if request.method == "PUT":
            request._client_max_size = 0  # No limit; the server's own is 1 MiB.
            body = await request.read()
            if self.silent:
                await asyncio.sleep(2)
            part = request.query.get("partNumber", "")
            self.objects[request.path + part] = body
            return web.Response(headers={"ETag": f'"{len(body)}"'})
        if request.path not in self.objects:
            return web.Response(status=404)
        body = self.objects[request.path]
        response = web.StreamResponse(headers={"Content-Length": str(len(body)), "ETag": '"e"'})
        await response.prepare(request)
        if request.method == "GET":
            with contextlib.suppress(ConnectionError):
                await response.write(body[: self.break_after])
            if self.break_after is not None:
                request.transport.close()
                return response
        await response.write_eof()
        return response


def presigning(bus, storage):
    """Let a fake bus answer as the artifacts service does."""
    original = bus.call

    async def call(service, kind, envelope):
        answer = await original(service, kind, envelope)
        if envelope.name != "PresignArtifact" or answer.error:
            return answer
        fields = json.loads(envelope.payload)
        query = f"?partNumber={fields['part_number']}" if fields.get("upload_id") else ""
        url = f"{storage.url}/{quote(fields['path'])}{query}"
        return Answer(json.dumps({"url": url, "name": fields["path"].rpartition("/")[2]}).encode())

    bus.call = call
    bus.replies["CreateMultipartUpload"] = Answer(b'{"upload_id": "u", "credentials": []}')
    return bus


async def soon(condition, seconds=5):
    """Wait for what happens on the other side of a connection."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)
