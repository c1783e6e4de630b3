# SPDX-License-Identifier: Apache-2.0
"""Programs that the benchmark starts, and what the kernel says of them."""

import os
import re
import signal
import socket
import subprocess
import tempfile
import time

PROXY_CORE, LOAD_CORE = 0, 1
STARTUP_SECONDS = 20


def start(command, core, **options):
    """In a session of its own, so that stop() ends all of it and nothing else."""
    return subprocess.Popen(
        ["taskset", "-c", str(core), *map(str, command)],
        stdin=options.pop("stdin", subprocess.DEVNULL),
        start_new_session=True,
        **options,
    )


def stop(process):
    """SIGTERM to what we started, then SIGKILL to what of its session is left."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(8)
        except subprocess.TimeoutExpired:
            pass
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for_port(port, process):
    deadline = time.monotonic() + STARTUP_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args[3]} ended with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"nobody listens on port {port}")


def children(pid):
    """The process and everything below it."""
    found = [pid]
    for task in _tasks(pid):
        try:
            with open(f"/proc/{pid}/task/{task}/children") as file:
                for child in file.read().split():
                    found += children(int(child))
        except OSError:
            pass
    return found


def _tasks(pid):
    try:
        return os.listdir(f"/proc/{pid}/task")
    except OSError:
        return []


def name_of(pid):
    try:
        with open(f"/proc/{pid}/comm") as file:
            return file.read().strip()
    except OSError:
        return ""


def cpu_seconds(pids):
    """User and system time, to the nanosecond: the clock that clock_getcpuclockid(3) names."""
    return sum(time.clock_gettime((~pid << 3) | 2) for pid in pids)


def pss_kib(pids):
    """Resident memory, shared pages divided among those who share them."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            total += int(re.search(r"^Pss:\s+(\d+)", file.read(), re.M)[1])
    return total


def open_sockets(pids):
    total = 0
    for pid in pids:
        for fd in os.listdir(f"/proc/{pid}/fd"):
            try:
                total += os.readlink(f"/proc/{pid}/fd/{fd}").startswith("socket:")
            except OSError:
                pass
    return total


class SystemCalls:
    """Counts the system calls of running processes: perf, which hardly slows them, or strace."""

    def __init__(self, pids):
        self.report = tempfile.NamedTemporaryFile("r")
        joined = ",".join(map(str, pids))
        self.is_perf = _perf_counts()
        if self.is_perf:
            command = ["perf", "stat", "-x,", "-e", "raw_syscalls:sys_enter", "-p", joined]
        else:
            command = ["strace", "-c", "-f", *(part for pid in pids for part in ("-p", str(pid)))]
        self.process = start(
            [*command, "-o", self.report.name],
            LOAD_CORE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(0.7)

    def count(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(20)
        text = self.report.read()
        pattern = r"^(\d+),.*sys_enter" if self.is_perf else r"\s(\d+)\s+(?:\d+\s+)?total$"
        found = re.search(pattern, text, re.M)
        return int(found[1]) if found else None


def _perf_counts():
    try:
        command = ["perf", "stat", "-x,", "-e", "raw_syscalls:sys_enter", "true"]
        return subprocess.run(command, capture_output=True, timeout=20).returncode == 0
    except OSError:
        return False
