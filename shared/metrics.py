"""Every metric of Warren's own: the one place that knows their names, labels and buckets.

Names follow Prometheus's conventions (https://prometheus.io/docs/practices/naming/). Labels have few
values: routes and messages, never projects, users or paths. docs/metrics.md is made of this.
"""

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

REGISTRY = CollectorRegistry()
"""What ``/metrics`` shows. The library's global registry would be anybody's."""

# A second series for each, which tells when the process was started: that is known already.
disable_created_metrics()  # type: ignore[no-untyped-call]
for _collector in (GCCollector, PlatformCollector, ProcessCollector):
    _collector(registry=REGISTRY)
