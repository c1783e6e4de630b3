# SPDX-License-Identifier: Apache-2.0
"""Where the proxy's time goes: perf on its worker while a scenario runs."""

import collections
import os
import subprocess
import time

from . import load, processes

SYMBOLS = 25


def profile(scenario, proxy, quick):
    """Prints symbols by their own time, then system calls by number."""
    requests = 3 * scenario.requests(proxy, quick)
    data = os.path.join(proxy.folder, "perf.data")
    _record(scenario, proxy, requests, data)
    print(f"\n### {scenario.title}: {proxy.name}, own time\n")
    print(_symbols(data))
    print(f"\n### {scenario.title}: {proxy.name}, system calls per request\n")
    print(_calls(scenario, proxy, max(requests // 20, scenario.options.get("connections", 1))))


def _record(scenario, proxy, requests, data):
    with load.Load(
        proxy, scenario.target, scenario.mode, requests=requests, **scenario.options
    ) as run:
        pids = ",".join(map(str, proxy.workers()))
        command = ["perf", "record", "-q", "-g", "-e", "cpu-clock", "-F", "2999", "-o", data]
        recorder = processes.start(
            [*command, "-p", pids],
            processes.LOAD_CORE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(0.7)
        run.finish()
        recorder.send_signal(2)
        recorder.wait(30)


def _report(data, *options):
    command = ["perf", "report", "-i", data, "--stdio", "--no-children", "-g", "none", *options]
    text = subprocess.run(command, capture_output=True, text=True, timeout=120).stdout
    return [line.strip() for line in text.splitlines() if line.strip() and line[0] != "#"]


def _symbols(data):
    by_object = _report(data, "-s", "dso")
    by_symbol = _report(data, "-s", "dso,symbol")
    return "\n".join(["by object:", *by_object[:8], "", "by symbol:", *by_symbol[:SYMBOLS]])


def _calls(scenario, proxy, requests):
    """strace: slow, but it knows them by name."""
    trace = os.path.join(proxy.folder, "strace")
    with load.Load(
        proxy, scenario.target, scenario.mode, requests=requests, **scenario.options
    ) as run:
        attach = [part for pid in proxy.workers() for part in ("-p", str(pid))]
        tracer = processes.start(
            ["strace", "-f", "-o", trace, *attach],
            processes.LOAD_CORE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(0.7)
        run.finish()
        tracer.send_signal(2)
        tracer.wait(30)
    counts = collections.Counter(_call_names(trace))
    return "\n".join(f"{n / requests:8.2f}  {name}" for name, n in counts.most_common(16))


def _call_names(trace):
    with open(trace, errors="replace") as file:
        for line in file:
            name = line.split(maxsplit=1)[1].split("(", 1)[0]
            if name.isidentifier():
                yield name
