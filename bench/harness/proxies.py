# SPDX-License-Identifier: Apache-2.0
"""The proxies beside each other, one worker with one thread each. A proxy knows how it is started,
how the load generator reaches a target through it, and which processes do the work."""

import json
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request

from . import origin as origins
from . import processes

SECRET = "BENCH_KEY"
CIPHER = "TLS_AES_128_GCM_SHA256"


class Proxy:
    name = "direct"
    scale = 1.0  # of the numbers of requests: slow ones get fewer
    mints = False  # makes a certificate for any name
    pools = True  # can keep its connection to the origin across those of clients

    def __init__(self, origin, folder):
        self.origin, self.folder = origin, f"{folder}/{self.name}"
        os.makedirs(self.folder, exist_ok=True)
        self.process = None

    def start(self):
        pass

    def stop(self):
        if self.process is not None:
            processes.stop(self.process)
            self.process = None

    def restart(self):
        self.stop()
        self.start()

    def workers(self):
        """Processes on the path of every byte."""
        return []

    def everybody(self):
        return self.workers()

    def arguments(self, target):
        """What the load generator needs to know to ask for the target."""
        return [
            *("--host", origins.host_of(target), "--port", self.origin.ports[target]),
            *("--ca", self.origin.certificates.root),
        ]

    def _launch(self, command, port):
        log = open(f"{self.folder}/log", "ab")
        self.process = processes.start(command, processes.PROXY_CORE, stdout=log, stderr=log)
        log.close()
        processes.wait_for_port(port, self.process)

    def _write(self, name, text):
        path = f"{self.folder}/{name}"
        with open(path, "w") as file:
            file.write(text)
        return path


class ReverseProxy(Proxy):
    """Listens once per target, with a fixed certificate."""

    def __init__(self, origin, folder):
        super().__init__(origin, folder)
        self.ports = {target: processes.free_port() for target in (*origins.MOODS, origins.STREAM)}

    def arguments(self, target):
        return [
            *("--host", origins.host_of(target), "--port", self.ports[target]),
            *("--ca", self.origin.certificates.root),
        ]


class Nginx(ReverseProxy):
    name = "nginx"

    def start(self):
        servers = "".join(self._server(target, port) for target, port in self.ports.items())
        folder, pair = self.folder, f"{self.origin.folder}/pair.pem"
        text = f"""
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 16384; }}
http {{
  access_log off; client_max_body_size 0; proxy_max_temp_file_size 0;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  keepalive_requests 100000000; keepalive_timeout 600s;
  ssl_certificate {pair}; ssl_certificate_key {pair}; ssl_protocols TLSv1.3;
  ssl_conf_command Ciphersuites {CIPHER};
  proxy_http_version 1.1; proxy_ssl_server_name on;
  proxy_ssl_protocols TLSv1.3; proxy_ssl_verify on;
  proxy_ssl_trusted_certificate {self.origin.certificates.root};
  {servers}
}}"""
        path = self._write("nginx.conf", text)
        command = ["nginx", "-e", f"{folder}/error.log", "-c", path]
        self._launch(command, self.ports[origins.KEEP])

    def _server(self, target, port):
        host = origins.host_of(target)
        reuse = "off" if target == origins.FULL else "on"
        streams = "proxy_buffering off; proxy_request_buffering off;"
        return f"""
  upstream {target} {{
    server 127.0.0.1:{self.origin.ports[target]};
    keepalive 2048; keepalive_requests 100000000; keepalive_timeout 600s;
  }}
  server {{
    listen 127.0.0.1:{port} ssl backlog=4096;
    location / {{
      proxy_pass https://{target}; proxy_ssl_name {host};
      proxy_set_header Connection ""; proxy_set_header Host {host};
      proxy_ssl_session_reuse {reuse}; {streams if target == origins.STREAM else ""}
    }}
  }}"""

    def workers(self):
        return processes.children(self.process.pid)[1:]


class HAProxy(ReverseProxy):
    name = "haproxy"

    def start(self):
        parts = "".join(self._proxy(target, port) for target, port in self.ports.items())
        text = f"""
global
  nbthread 1
  maxconn 8000
  ssl-default-bind-ciphersuites {CIPHER}
  ssl-default-bind-options ssl-min-ver TLSv1.3
  ssl-default-server-options ssl-min-ver TLSv1.3
defaults
  mode http
  timeout connect 10s
  timeout client 600s
  timeout server 600s
  http-reuse always
{parts}"""
        path = self._write("haproxy.cfg", text)
        self._launch(["haproxy", "-db", "-f", path], self.ports[origins.KEEP])

    def _proxy(self, target, port):
        host = origins.host_of(target)
        reuse = "no-ssl-reuse" if target == origins.FULL else ""
        trust = f"verify required ca-file {self.origin.certificates.root}"
        return f"""
listen {target}
  bind 127.0.0.1:{port} backlog 4096 ssl crt {self.origin.folder}/pair.pem
  http-request set-header Host {host}
  server s 127.0.0.1:{self.origin.ports[target]} ssl {trust} sni str({host}) verifyhost {host} {reuse} pool-purge-delay 600s
"""

    def workers(self):
        return [self.process.pid]


class Interceptor(Proxy):
    """Reached through CONNECT; shows certificates of a root of its own."""

    mints = True
    authority = None  # the file with that root
    credentials = ()

    def __init__(self, origin, folder):
        super().__init__(origin, folder)
        self.port = processes.free_port()

    def arguments(self, target):
        return [
            *("--host", origins.host_of(target), "--port", self.origin.ports[target]),
            *("--ca", self.authority, "--proxy", f"127.0.0.1:{self.port}", *self.credentials),
        ]

    def hosts(self):
        return [origins.host_of(target) for target in (*origins.MOODS, origins.STREAM)]


class Sealgate(Interceptor):
    """With a secret that may go to every target, so that each response is read for its value."""

    name = "sealgate"
    program = None  # set by script/bench
    has_secret = True
    audit = "{ file: DATA_DIR/audit.jsonl }"  # what sealgate does when nobody says otherwise

    def start(self):
        os.chmod(self.folder, 0o755)
        shutil.rmtree(f"{self.folder}/data", ignore_errors=True)
        self.control = processes.free_port()
        ports = self.origin.ports
        resolve = ", ".join(
            f"{origins.host_of(t)}: 127.0.0.1:{ports[t]}" for t in (*origins.MOODS, origins.STREAM)
        )
        text = f"""
data_dir: {self.folder}/data
workers: 1
listen: {{ proxy: [127.0.0.1:{self.port}], control: [127.0.0.1:{self.control}] }}
upstream:
  trust: [system, {self.origin.certificates.root}]
  resolve: {{ {resolve} }}
  allow_addresses: [127.0.0.0/8]
  nameservers: [127.0.0.1:{self.origin.names.port}]
limits: {{ connections_per_sandbox: 65536, streams_per_sandbox: 65536 }}
audit: {self.audit}
"""
        path = self._write("sealgate.yaml", text)
        self._launch([self.program, "serve", "--config", path], self.port)
        self._wait_until_ready()
        self._make_sandbox()

    def _wait_until_ready(self):
        deadline = time.monotonic() + processes.STARTUP_SECONDS
        while time.monotonic() < deadline:
            try:
                self._ask("GET", "/readyz")
                return
            except (OSError, RuntimeError):
                time.sleep(0.05)
        raise RuntimeError("sealgate does not get ready")

    def _make_sandbox(self):
        self.authority = f"{self.folder}/authority.pem"
        with open(self.authority, "wb") as file:
            file.write(self._ask("GET", "/ca.pem"))
        allowed = [f"*.{origins.DOMAIN}:*"]
        store = self._ask_json(
            "POST", "/api/secret-stores", {"name": "bench", "egressAllowlist": allowed}
        )
        if self.has_secret:
            path = f"/api/secret-stores/{store['id']}/secrets/{SECRET}"
            self._ask_json("PUT", path, {"value": "a-value-that-only-this-benchmark-uses"})
        sandbox = self._ask_json("POST", "/api/sandboxes", {"secretStore": "bench"})
        user, endpoint = sandbox["proxyURL"].removeprefix("http://").rsplit("@", 1)
        self.credentials = ("--auth", user)
        if self.has_secret:
            token = sandbox["envs"][SECRET]
            self.credentials += ("--header", f"Authorization: Bearer {token}")

    def _ask(self, method, path, body=None):
        with open(f"{self.folder}/data/api-key") as file:
            key = file.read().strip()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.control}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"X-API-Key": key, "Content-Type": "application/json"},
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            return opener.open(request, timeout=20).read()
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{method} {path}: {error.code} {error.read()}") from None

    def _ask_json(self, method, path, body):
        return json.loads(self._ask(method, path, body))

    def everybody(self):
        return processes.children(self.process.pid)

    def workers(self):
        return [p for p in self.everybody() if processes.name_of(p).startswith("worker")]


class SealgateWithoutSecrets(Sealgate):
    """The same without a secret: nothing to hide, so responses are not read."""

    name = "sealgate-plain"
    has_secret = False


class SealgateWithoutAudit(Sealgate):
    """As sealgate, without a line of audit for each request, as the others run."""

    name = "sealgate-noaudit"
    audit = "none"


class Squid(Interceptor):
    name = "squid"
    scale = 0.4

    def start(self):
        os.chmod(self.folder, 0o777)
        helper, database = "/usr/lib/squid/security_file_certgen", f"{self.folder}/certificates"
        if not os.path.exists(database):
            subprocess.run([helper, "-c", "-s", database, "-M", "16MB"], check=True, stdout=-3)
            subprocess.run(["chown", "-R", "proxy", database], check=True)
        self.authority = self.origin.certificates.root
        hosts = self._write("hosts", "".join(f"127.0.0.1 {host}\n" for host in self.hosts()))
        pair = shutil.copy(f"{self.origin.folder}/root-pair.pem", self.folder)
        os.chmod(pair, 0o644)
        text = f"""
http_port 127.0.0.1:{self.port} ssl-bump cert={pair} generate-host-certificates=on dynamic_cert_mem_cache_size=16MB
sslcrtd_program {helper} -s {database} -M 16MB
sslcrtd_children 2
ssl_bump bump all
tls_outgoing_options cafile={self.authority}
hosts_file {hosts}
http_access allow all
cache deny all
cache_mem 8 MB
access_log none
cache_log {self.folder}/cache.log
cache_store_log none
pid_filename {self.folder}/pid
coredump_dir {self.folder}
shutdown_lifetime 1 seconds
"""
        path = self._write("squid.conf", text)
        self._launch(["squid", "-N", "-f", path], self.port)

    def workers(self):
        return [self.process.pid]

    def everybody(self):
        return processes.children(self.process.pid)


class Mitmproxy(Interceptor):
    name = "mitmproxy"
    scale = 0.1

    def start(self):
        shutil.copy(f"{self.origin.folder}/root-pair.pem", f"{self.folder}/mitmproxy-ca.pem")
        self.authority = self.origin.certificates.root
        addon = self._write(
            "resolve.py",
            "def server_connect(data):\n"
            "    data.server.sni = data.server.address[0]\n"
            "    data.server.address = ('127.0.0.1', data.server.address[1])\n",
        )
        self._launch(
            [
                *("mitmdump", "-q", "--listen-host", "127.0.0.1", "-p", self.port, "-s", addon),
                *("--set", f"confdir={self.folder}", "--set", "stream_large_bodies=64k"),
                *("--set", f"ssl_verify_upstream_trusted_ca={self.authority}"),
            ],
            self.port,
        )

    def workers(self):
        return processes.children(self.process.pid)


PROXIES = {
    proxy.name: proxy
    for proxy in (
        Proxy,
        Nginx,
        HAProxy,
        Sealgate,
        SealgateWithoutSecrets,
        SealgateWithoutAudit,
        Squid,
        Mitmproxy,
    )
}

PROGRAMS = {"nginx": "nginx", "haproxy": "haproxy", "squid": "squid", "mitmproxy": "mitmdump"}


def installed(name):
    if name.startswith("sealgate"):
        return os.access(Sealgate.program, os.X_OK)
    return name == "direct" or shutil.which(PROGRAMS[name]) is not None
