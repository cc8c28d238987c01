"""Spans reach the collector. A collector that is unreachable delays no request and no exit."""

import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from deploy.local.embedded.process import free_ports
from shared.messaging.messages import Envelope, new_id
from shared.runtime.settings import TracingSettings
from shared.tracing.spans import SpanTracing
from shared.tracing.start import start_tracing


@pytest.fixture
def received():
    return []


@pytest.fixture
def collector(received):
    class Collector(BaseHTTPRequestHandler):
        def do_POST(self):
            received.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Collector)
    thread = threading.Thread(target=server.serve_forever, args=[0.01])
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1/traces"
    server.shutdown()
    thread.join()
    server.server_close()


def trace_one(endpoint, ratio=1.0):
    tracing = start_tracing("gateway", TracingSettings(endpoint=endpoint, ratio=ratio))
    assert isinstance(tracing, SpanTracing)
    with tracing.calling("tracking", "queries", Envelope(new_id(), "GetRun", 7, b"", 0)):
        pass
    tracing.close()


def test_spans_reach_the_collector_when_the_process_leaves(collector, received):
    trace_one(collector)
    [(path, body)] = received
    assert path == "/v1/traces"
    assert b"send tracking.queries" in body
    assert b"gateway" in body


def test_what_is_not_sampled_is_not_sent(collector, received):
    trace_one(collector, ratio=0)
    assert not received


def test_collector_that_is_away_does_not_keep_the_process():
    [port] = free_ports(1)
    began = time.monotonic()
    trace_one(f"http://127.0.0.1:{port}/v1/traces")
    assert time.monotonic() - began < 10
