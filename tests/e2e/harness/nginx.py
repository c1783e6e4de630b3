# SPDX-License-Identifier: Apache-2.0
"""A real nginx as an origin: its log shows what arrived."""

import os
import pathlib
import shutil
import socket
import subprocess
import tempfile

from .ports import free_port
from .wait import until

_CONFIG = """
daemon off;
worker_processes 1;
pid nginx.pid;
error_log error.log info;
{user}
events {{ worker_connections 512; }}
http {{
    types {{ text/plain txt; application/octet-stream bin; }}
    log_format arrived '$connection $ssl_session_reused "$request" $status "$http_authorization" "$http_x_api_key"';
    access_log access.log arrived;
    client_body_temp_path body;
    proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    client_max_body_size 2g;
    server {{
        listen {address}:{port} ssl;
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        {server}
        root files;
        location = /echo {{ default_type text/plain; return 200 "authorization=$http_authorization\\n"; }}
        location = /user {{ default_type text/plain; return 200 "user=$remote_user\\n"; }}
        location /zipped/ {{ alias files/; gzip on; gzip_min_length 1; gzip_types *; }}
        location /moved {{ return 302 https://$host/echo; }}
    }}
}}
"""


class Nginx:
    def __init__(self, certificate, key, server=""):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sealgate-nginx-"))
        self.folder.chmod(0o755)
        (self.folder / "files").mkdir()
        self.port = free_port()
        self.endpoint = f"127.0.0.1:{self.port}"
        config = _CONFIG.format(
            address="127.0.0.1",
            port=self.port,
            certificate=certificate,
            key=key,
            server=server,
            user="user root;" if os.geteuid() == 0 else "",
        )
        (self.folder / "nginx.conf").write_text(config)
        self._process = self._start()
        until(self._listens, "nginx listens")

    def _start(self):
        program = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin:/sbin")
        command = [program, "-p", f"{self.folder}/", "-c", "nginx.conf"]
        log = open(self.folder / "start.log", "wb")
        return subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def _listens(self):
        assert self._process.poll() is None, (self.folder / "start.log").read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def write(self, name, data):
        path = self.folder / "files" / name
        path.write_bytes(data)
        path.chmod(0o644)

    def log(self):
        path = self.folder / "access.log"
        return path.read_text() if path.exists() else ""

    def wait_for_log(self, text):
        return until(lambda: text in self.log() and self.log(), f"nginx has logged {text!r}")

    def close(self):
        self._process.terminate()
        self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
