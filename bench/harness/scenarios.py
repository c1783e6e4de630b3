# SPDX-License-Identifier: Apache-2.0
"""What is measured. Each scenario turns one run into figures, by name; the report takes medians."""

import time

from . import load, processes
from .origin import FULL, KEEP, NEW, RESUMED, STREAM

MIB = 1024 * 1024


class Scenario:
    def __init__(self, title, unit, target, mode, counts, **options):
        self.title, self.unit, self.target, self.mode = title, unit, target, mode
        self.full_count, self.quick_count = counts
        self.options = options
        self.needs_minting = target == NEW
        self.needs_direct = False
        self.counts_calls = mode == "keepalive" and "upload" not in options
        self.all_processes = mode in ("connect", "newhost")  # what the main figure adds up

    def requests(self, proxy, quick):
        count = self.quick_count if quick else self.full_count
        return max(int(count * proxy.scale), self.options.get("connections", 1), 1)

    def run(self, proxy, quick):
        requests = self.requests(proxy, quick)
        result = load.measure(proxy, self.target, self.mode, requests=requests, **self.options)
        return self.figures(result)

    def figures(self, result):
        requests = result["requests"]
        return {
            "cpu": 1e6 * result["all_cpu" if self.all_processes else "worker_cpu"] / requests,
            "worker_cpu": 1e6 * result["worker_cpu"] / requests,
            "all_cpu": 1e6 * result["all_cpu"] / requests,
            "per_second": requests / result["seconds"],
            "p50": result["p50_us"],
            "p99": result["p99_us"],
            "resumed": result["resumed"] / requests,
        }

    def system_calls(self, proxy, quick):
        requests = max(self.requests(proxy, quick) // 5, self.options["connections"])
        return load.count_system_calls(
            proxy, self.target, self.mode, requests=requests, **self.options
        )


class Bulk(Scenario):
    """Per MiB, not per request."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.counts_calls = False

    def figures(self, result):
        mib = result["bytes"] / MIB
        return {
            "cpu": 1e3 * result["worker_cpu"] / mib,
            "worker_cpu": 1e3 * result["worker_cpu"] / mib,
            "all_cpu": 1e3 * result["all_cpu"] / mib,
            "per_second": mib / result["seconds"],
        }


class Latency(Scenario):
    """What counts is what the proxy adds to the way without it."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.needs_direct = True
        self.counts_calls = False

    def figures(self, result):
        return {"p50": result["p50_us"], "p99": result["p99_us"], "max": result["max_us"]}


class Idle(Scenario):
    """Resident memory of the workers, before and with the connections."""

    WARM_UP = 64

    def run(self, proxy, quick):
        count = self.requests(proxy, quick)
        proxy.restart()
        options = {**self.options, "connections": self.WARM_UP}
        with load.Load(proxy, self.target, self.mode, **options) as warm_up:
            warm_up.finish()
        time.sleep(1)
        workers = proxy.workers()
        before, sockets = processes.pss_kib(workers), processes.open_sockets(workers)
        options["connections"] = count
        with load.Load(proxy, self.target, self.mode, **options):
            time.sleep(1)
            grown = processes.pss_kib(workers) - before
            opened = processes.open_sockets(workers) - sockets
        return {"kib": grown / count, "base_kib": before, "sockets": opened / count}


SCENARIOS = {
    "s1": Scenario(
        "S1 keep-alive, 1 KiB", "µs/request", KEEP, "keepalive", (40000, 4000), connections=8, path="/1k"
    ),
    "s1b": Scenario(
        "S1b keep-alive, 100 KiB", "µs/request", KEEP, "keepalive", (8000, 800), connections=8, path="/100k"
    ),
    "s2": Scenario(
        "S2 new connection, both handshakes full", "µs/connection", FULL, "connect", (2000, 300), connections=4, path="/1k"
    ),
    "s2resumed": Scenario(
        "S2 new connection, upstream resumed", "µs/connection", RESUMED, "connect", (2000, 300), connections=4, path="/1k"
    ),
    "s2pooled": Scenario(
        "S2 new connection, upstream pooled", "µs/connection", KEEP, "connect", (2000, 300), connections=4, path="/1k"
    ),
    "s2r": Scenario(
        "S2r new connection, client and upstream resumed", "µs/connection", RESUMED, "connect", (2000, 300), connections=4, path="/1k", resume=True
    ),
    "s2l": Latency(
        "S2l new connection, one at a time", "µs", FULL, "connect", (500, 100), connections=1, path="/1k"
    ),
    "s3": Scenario(
        "S3 a new host each time", "µs/connection", NEW, "newhost", (1000, 200), connections=4, path="/1k"
    ),
    "s4": Bulk(
        "S4 download, 1 stream", "ms/MiB", KEEP, "keepalive", (8, 2), connections=1, path="/big"
    ),
    "s4x8": Bulk(
        "S4 download, 8 streams", "ms/MiB", KEEP, "keepalive", (16, 8), connections=8, path="/big"
    ),
    "s5": Bulk(
        "S5 upload", "ms/MiB", STREAM, "keepalive", (8, 2), connections=1, path="/sink", upload=128 * MIB
    ),
    "s6": Idle(
        "S6 idle connection between requests", "KiB/connection", KEEP, "idle", (1000, 200), path="/1k"
    ),
    "s6held": Idle(
        "S6 idle connection in a response, both sides held", "KiB/connection", STREAM, "idle", (1000, 200), path="/quiet", hold=True
    ),
    "s7": Latency(
        "S7 500 requests/s", "µs", KEEP, "rate", (2500, 500), connections=16, rate=500, path="/1k"
    ),
    "s8": Latency(
        "S8 delay of a server-sent event", "µs", STREAM, "sse", (2, 1), connections=1, path="/events"
    ),
}
