# SPDX-License-Identifier: Apache-2.0
"""Runs the load generator and takes the proxy's clocks at the right moments."""

import json
import subprocess

from . import processes

RUN_SECONDS = 60


class Load:
    """One run. `--gate` splits it: what opens connections is over when the clocks are read."""

    program = None  # set by script/bench

    def __init__(self, proxy, target, mode, **options):
        arguments = [*proxy.arguments(target), "--gate", "--seconds", RUN_SECONDS]
        for name, value in options.items():
            arguments += [f"--{name}"] if value is True else [f"--{name}", value]
        self.what = f"{mode} through {proxy.name}"
        self.process = processes.start(
            [self.program, mode, *arguments],
            processes.LOAD_CORE,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self):
        if self.process.stdout.readline() != "ready\n":
            self._fail()
        return self

    def __exit__(self, *_):
        processes.stop(self.process)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            stream.close()

    def finish(self):
        """Lets it begin, and waits for its result."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if self.process.wait(RUN_SECONDS) != 0:
            self._fail()
        return json.loads(line)

    def _fail(self):
        self.process.kill()
        raise RuntimeError(f"{self.what}: {self.process.stderr.read().strip()}")


def measure(proxy, target, mode, **options):
    """The load's result, and the CPU time of the proxy from its first to its last byte."""
    with Load(proxy, target, mode, **options) as load:
        workers, everybody = proxy.workers(), proxy.everybody()
        before = processes.cpu_seconds(workers), processes.cpu_seconds(everybody)
        result = load.finish()
        result["worker_cpu"] = processes.cpu_seconds(workers) - before[0]
        result["all_cpu"] = processes.cpu_seconds(everybody) - before[1]
    return result


def count_system_calls(proxy, target, mode, **options):
    """Per request, or None where nothing can count them. In a run of its own: counting slows."""
    with Load(proxy, target, mode, **options) as load:
        counter = processes.SystemCalls(proxy.workers())
        result = load.finish()
        total = counter.count()
    return None if total is None else total / result["requests"]
