# SPDX-License-Identifier: Apache-2.0
"""The origin: nginx in three moods, a sink that also sends events, certificates, names."""

import os
import random
import socket
import struct
import subprocess
import threading

from . import processes

DOMAIN = "bench.test"
# Name of the target: how nginx behaves there. "new" is any name below it.
KEEP, FULL, RESUMED, STREAM, NEW = "keep", "full", "resumed", "stream", "new"

CONFIGURATION = """
daemon off; master_process on; worker_processes 1; pid {dir}/origin.pid;
error_log {dir}/origin.log;
events {{ worker_connections 8192; }}
http {{
  access_log off; default_type text/plain; sendfile off; output_buffers 2 128k;
  client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/fastcgi;
  uwsgi_temp_path {dir}/uwsgi; scgi_temp_path {dir}/scgi;
  ssl_certificate {dir}/origin.pem; ssl_certificate_key {dir}/origin.key;
  ssl_protocols TLSv1.3; ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;
  keepalive_requests 100000000;
  {servers}
}}
"""

SERVER = """
  server {{
    listen 127.0.0.1:{port} ssl backlog=4096; {mood}
    root {dir}/files;
    location = /1k {{ return 200 "{body}"; }}
  }}
"""

MOODS = {
    KEEP: "keepalive_timeout 600s; ssl_session_tickets on;",
    FULL: "keepalive_timeout 0; ssl_session_tickets off; ssl_session_cache none;",
    RESUMED: "keepalive_timeout 0; ssl_session_tickets on;",
}


def host_of(target):
    return f"{target}.{DOMAIN}"


class Certificates:
    """A root, and one P-256 certificate for everything that is not the proxy under test."""

    def __init__(self, folder):
        self.folder = folder
        self.root = f"{folder}/root.pem"
        subject_names = f"DNS:*.{DOMAIN},DNS:*.{NEW}.{DOMAIN}"
        self._openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "root.key")
        self._openssl(
            *"req -x509 -new -key root.key -days 2 -subj /CN=bench-root -out root.pem".split(),
            *("-addext", "keyUsage=critical,keyCertSign,cRLSign"),
        )
        self._openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "origin.key")
        self._openssl(*"req -new -key origin.key -subj /CN=origin -out origin.csr".split())
        with open(f"{folder}/extensions", "w") as file:
            file.write(f"subjectAltName={subject_names}\nextendedKeyUsage=serverAuth\n")
        self._openssl(
            *"x509 -req -in origin.csr -CA root.pem -CAkey root.key -CAcreateserial".split(),
            *"-days 2 -extfile extensions -out origin.pem".split(),
        )
        _concatenate(f"{folder}/pair.pem", f"{folder}/origin.pem", f"{folder}/origin.key")
        _concatenate(f"{folder}/root-pair.pem", f"{folder}/root.pem", f"{folder}/root.key")

    def _openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)


def _concatenate(out, *names):
    with open(out, "w") as file:
        for name in names:
            with open(name) as part:
                file.write(part.read())


class Names:
    """A name server that knows every name as 127.0.0.1."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                query, sender = self.socket.recvfrom(2048)
            except OSError:
                return
            self.socket.sendto(self._answer(query), sender)

    @staticmethod
    def _answer(query):
        end = query.index(b"\0", 12) + 5
        is_address = query[end - 4 : end - 2] == b"\0\1"
        head = query[:2] + struct.pack("!5H", 0x8580, 1, int(is_address), 0, 0)
        record = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 4) + bytes([127, 0, 0, 1])
        return head + query[12:end] + (record if is_address else b"")


class Origin:
    def __init__(self, folder, program, big_mib):
        self.folder, self.program, self.big_mib = folder, program, big_mib
        self.certificates = Certificates(folder)
        self.names = Names()
        self.ports = {target: processes.free_port() for target in (*MOODS, STREAM)}
        self.ports[NEW] = self.ports[FULL]
        self.running = []

    def start(self):
        self._write_files()
        self._write_configuration()
        nginx = processes.start(
            ["nginx", "-e", f"{self.folder}/origin.log", "-c", f"{self.folder}/origin.conf"],
            processes.LOAD_CORE,
        )
        stream = processes.start(
            [
                self.program,
                self.ports[STREAM],
                f"{self.folder}/origin.pem",
                f"{self.folder}/origin.key",
                10,
                200,
            ],
            processes.LOAD_CORE,
        )
        self.running = [nginx, stream]
        processes.wait_for_port(self.ports[KEEP], nginx)
        processes.wait_for_port(self.ports[STREAM], stream)

    def stop(self):
        for process in self.running:
            processes.stop(process)
        self.names.socket.close()

    def _write_files(self):
        # Text that looks like answers of an API: what redaction has to read is not all zeros.
        generator = random.Random(1)
        lines = [f'{{"id": "{generator.randbytes(12).hex()}", "ok": true}}\n' for _ in range(8192)]
        block = "".join(lines).encode()
        os.mkdir(f"{self.folder}/files")
        self._write_file("100k", block, 100 * 1024)
        self._write_file("big", block, self.big_mib * 1024 * 1024)

    def _write_file(self, name, block, size):
        with open(f"{self.folder}/files/{name}", "wb") as file:
            for start in range(0, size, len(block)):
                file.write(block[: size - start])

    def _write_configuration(self):
        body = "0123456789abcde " * 64
        servers = "".join(
            SERVER.format(port=self.ports[target], mood=mood, dir=self.folder, body=body)
            for target, mood in MOODS.items()
        )
        with open(f"{self.folder}/origin.conf", "w") as file:
            file.write(CONFIGURATION.format(dir=self.folder, servers=servers))
