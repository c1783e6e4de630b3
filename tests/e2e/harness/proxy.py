# SPDX-License-Identifier: Apache-2.0
"""A running sealgate of its own: configuration, processes, records, and a clean end."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile

import requests

from .api import Api
from .canary import Canaries
from .ports import free_port
from .wait import GENEROUS, until

ROOT = pathlib.Path(__file__).resolve().parents[3]
BINARY = pathlib.Path(os.environ.get("SEALGATE_BINARY", ROOT / "build/asan/sealgate")).resolve()
ROLES = ("keyholder", "dialer", "control", "worker")
SANITIZER_ENV = {
    "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
}
_complaints = re.compile(
    rb"ERROR: \w*Sanitizer|runtime error:|LeakSanitizer|connection_state_illegal|Assertion"
    rb"|killed by the system call filter"
)


class Failed(Exception):
    """sealgate ended instead of serving."""


def environment(**more):
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return {**kept, **SANITIZER_ENV, **more}


def _read(path):
    try:
        return pathlib.Path(path).read_bytes()
    except OSError:
        return b""


def _parent_of(pid):
    stat = _read(f"/proc/{pid}/stat")
    return int(stat.rpartition(b")")[2].split()[1]) if stat else None


def children_of(parent):
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return [pid for pid in pids if _parent_of(pid) == parent]


class Sealgate:
    """`config` is laid over a small one of our own; ports are chosen here."""

    def __init__(self, config=None, env=None):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sealgate-e2e-"))
        self.folder.chmod(0o755)  # started as root, the processes have uids of their own
        self.data_dir = self.folder / "data"
        self.config_file = self.folder / "sealgate.yaml"
        self.log_file = self.folder / "sealgate.log"
        self.env = env or {}
        self.config = config or {}
        self.canaries = Canaries()
        self.process = None
        self.run_as = None  # a uid to start it with
        self.may_complain = False  # a test's own doing
        self.scheme, self.verify = "http", True

    # Life.

    def start(self):
        for _ in range(5):
            self.proxy_port, self.control_port = free_port(), free_port()
            self.write_config(self.config)
            try:
                return self.spawn()
            except Failed:
                if b"listen_failed" not in _read(self.log_file):
                    raise
        raise Failed("no free ports")

    def write_config(self, config):
        """JSON is YAML."""
        listen = {
            "proxy": [f"127.0.0.1:{self.proxy_port}"],
            "control": [f"127.0.0.1:{self.control_port}"],
        }
        base = {"data_dir": str(self.data_dir), "workers": 2, "listen": listen}
        self.config_file.write_text(json.dumps({**base, **config}, indent=1))

    def spawn(self):
        log = open(self.log_file, "ab")
        self.process = subprocess.Popen(
            [BINARY, "serve", "--config", self.config_file],
            env=environment(**self.env),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            **({"user": self.run_as, "group": self.run_as, "extra_groups": []} if self.run_as else {}),
        )
        log.close()
        until(self.is_ready, "sealgate is ready")
        key = (self.data_dir / "api-key").read_text().strip()
        self.api = Api(self.url, key, self.canaries)
        self.api.session.verify = self.verify
        return self

    def is_ready(self):
        if self.process.poll() is not None:
            raise Failed(f"status {self.process.returncode}: {self.log()}")
        try:
            answer = requests.get(self.url + "/readyz", timeout=GENEROUS, verify=self.verify)
            return answer.status_code == 200
        except requests.RequestException:
            return False

    def terminate(self, number=signal.SIGTERM):
        """Asks it to stop, waits, and says how it ended."""
        pids = [self.process.pid, *self.children()]
        self.process.send_signal(number)
        status = self.process.wait(GENEROUS)
        until(lambda: not any(_parent_of(pid) == self.process.pid for pid in pids), "all are gone")
        until(lambda: not any(self._is_ours(pid) for pid in pids), "no process is left")
        return status

    def _is_ours(self, pid):
        return os.path.exists(f"/proc/{pid}") and b"sealgate" in _read(f"/proc/{pid}/cmdline")

    def stop(self):
        """The end of every test's sealgate: orderly, and with nothing to complain about."""
        try:
            if self.process is not None and self.process.poll() is None:
                status = self.terminate()
                assert status == 0, f"SIGTERM ended with status {status}: {self.log()[-3000:]}"
            found = None if self.may_complain else _complaints.search(_read(self.log_file))
            assert found is None, self.log()[found.start() : found.start() + 6000]
        finally:
            if self.process is not None and self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            if not os.environ.get("SEALGATE_KEEP"):
                shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *_):
        self.stop()

    # What is known of it.

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self.control_port}"

    @property
    def endpoint(self):
        return f"127.0.0.1:{self.proxy_port}"

    def log(self):
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def children(self):
        return children_of(self.process.pid)

    def pids(self, role):
        """Of the processes that have this role now."""
        return sorted(
            pid
            for pid in self.children()
            if _read(f"/proc/{pid}/cmdline").startswith(f"sealgate: {role}".encode())
        )

    def resident(self):
        """Bytes that the one worker has in memory now."""
        (pid,) = self.pids("worker")
        status = _read(f"/proc/{pid}/status").decode()
        return int(status.split("VmRSS:")[1].split()[0]) * 1024

    def audit(self, **wanted):
        lines = _read(self.data_dir / "audit.jsonl").decode().splitlines()
        records = [json.loads(line) for line in lines]
        return [
            record
            for record in records
            if all(record.get(name) == text for name, text in wanted.items())
        ]

    def wait_for_audit(self, count=1, **wanted):
        return until(
            lambda: len(found := self.audit(**wanted)) >= count and found,
            f"{count} audit records have {wanted}",
        )

    def metrics(self):
        text = self.api.call("GET", "/metrics").text
        pairs = [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")]
        return {name: float(number) for name, number in pairs}

    def cli(self, *arguments, input=None, check=True, env=None, binary=BINARY, wrapper=()):
        """The command line, over the local socket."""
        ran = subprocess.run(
            [*wrapper, binary, *map(str, arguments), "--data-dir", self.data_dir],
            env=environment(**(env or {})),
            input=input.encode() if isinstance(input, str) else input,
            capture_output=True,
            timeout=2 * GENEROUS,
            cwd="/",
        )
        assert not _complaints.search(ran.stderr), ran.stderr.decode()
        if check:
            assert ran.returncode == 0, (arguments, ran.returncode, ran.stdout, ran.stderr)
        return ran

    def cli_json(self, *arguments, **options):
        return json.loads(self.cli(*arguments, "--json", **options).stdout)

    # Where no value may be.

    def places(self):
        """(name, bytes) of everything that outlives an exchange."""
        for path in self.folder.rglob("*"):
            if path.is_file():
                yield str(path), _read(path)
        for pid in [self.process.pid, *self.children()]:
            for what in ("environ", "cmdline"):
                yield f"/proc/{pid}/{what}", _read(f"/proc/{pid}/{what}")
        yield "/metrics", self.api.call("GET", "/metrics").content
        yield "/api/audit", self.api.call("GET", "/api/audit?limit=1000&all=true").content

    def leaks(self):
        return self.canaries.hits(self.places())
