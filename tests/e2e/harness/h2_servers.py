# SPDX-License-Identifier: Apache-2.0
"""Real programs as origins that speak HTTP/2."""

import pathlib
import shutil
import socket
import subprocess
import tempfile

from .wait import until


class Program:
    """A server that runs until it is closed, and what it has printed."""

    def __init__(self, command, port, **options):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sealgate-server-"))
        self.log_file = self.folder / "log"
        log = open(self.log_file, "wb")
        self._process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            **options,
        )
        self._port = port
        until(self._listens, f"{command[0]} listens")

    def _listens(self):
        assert self._process.poll() is None, self.log()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0

    def log(self):
        return self.log_file.read_text(errors="replace")

    def wait_for_log(self, text):
        return until(lambda: text in self.log() and self.log(), f"the server has logged {text!r}")

    def close(self):
        self._process.terminate()
        self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def nghttpd(port, certificate, key, files, *options):
    program = shutil.which("nghttpd") or "/usr/sbin/nghttpd"
    command = [program, "-v", "-a", "127.0.0.1", "-d", files, *options, port, key, certificate]
    return Program(command, port)
