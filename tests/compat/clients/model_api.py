"""A stand-in for OpenAI's API on this machine: fixed answers for chats, in one piece and in parts, and for embeddings."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
WORDS = ["Apples", " are", " rot."]
TOOL_CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "price", "arguments": '{"fruit": "apple"}'},
}


@contextmanager
def model_api() -> Iterator[str]:
    """Run it for as long as the block runs, and yield its base URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    """Answers by what is asked: a model named `busy` refuses, and one that is given tools calls the first time."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Keep quiet."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if asked["model"] == "busy":
            self._answer(400, {"error": {"message": "too busy", "type": "invalid_request_error"}})
        elif self.path.endswith("/embeddings"):
            data = [{"object": "embedding", "index": 0, "embedding": [0.5, -1.0]}]
            usage = {"prompt_tokens": 3, "total_tokens": 3}
            self._answer(
                200, {"object": "list", "data": data, "model": asked["model"], "usage": usage}
            )
        elif asked.get("stream"):
            self._stream(asked)
        else:
            self._answer(200, _completion(asked))

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        self._send(status, "application/json", json.dumps(body).encode())

    def _stream(self, asked: dict[str, Any]) -> None:
        deltas = [{"role": "assistant", "content": ""}, *({"content": word} for word in WORDS), {}]
        chunks = [_chunk(asked, delta, "stop" if not delta else None) for delta in deltas]
        if (asked.get("stream_options") or {}).get("include_usage"):
            chunks.append({**_chunk(asked, {}, None), "choices": [], "usage": USAGE})
        lines = [f"data: {json.dumps(each)}\n\n" for each in chunks]
        self._send(200, "text/event-stream", "".join([*lines, "data: [DONE]\n\n"]).encode())

    def _send(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _completion(asked: dict[str, Any]) -> dict[str, Any]:
    calls = asked.get("tools") and asked["messages"][-1]["role"] != "tool"
    message: dict[str, Any] = {"role": "assistant", "content": None if calls else "".join(WORDS)}
    if calls:
        message["tool_calls"] = [TOOL_CALL]
    reason = "tool_calls" if calls else "stop"
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": asked["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": reason}],
        "usage": USAGE,
    }


def _chunk(asked: dict[str, Any], delta: dict[str, Any], reason: str | None) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "model": asked["model"],
        "choices": [{"index": 0, "delta": delta, "finish_reason": reason}],
    }
