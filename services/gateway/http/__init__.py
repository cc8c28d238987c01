"""HTTP itself: the server, routing, request bodies, limits, origins, TLS and health probes."""
