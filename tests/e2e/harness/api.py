# SPDX-License-Identifier: Apache-2.0
"""The control API, as an operator's program calls it."""

import itertools
import os
import secrets
import subprocess

import requests

from .wait import GENEROUS
from .wire import Wire

_serial = itertools.count(1)


def unique(stem="thing"):
    return f"{stem}-{os.getpid()}-{next(_serial)}"


def value(stem="value"):
    """A value of a secret that occurs nowhere else."""
    return f"{stem}-{secrets.token_hex(16)}"


class Api:
    def __init__(self, url, key, canaries):
        self.url, self.key, self.canaries = url, key, canaries
        self.session = requests.Session()
        self.session.trust_env = False

    def with_key(self, key):
        return Api(self.url, key, self.canaries)

    def call(self, method, path, json=None, data=None, headers=None, key=None):
        sent = {"X-API-Key": key or self.key} if (key or self.key) else {}
        sent.update(headers or {})
        return self.session.request(
            method, self.url + path, json=json, data=data, headers=sent, timeout=GENEROUS
        )

    def ok(self, method, path, json=None, status=200):
        answer = self.call(method, path, json)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def get(self, path):
        return self.ok("GET", path)

    def delete(self, path):
        return self.ok("DELETE", path, status=204)

    # Shorthands for what nearly every test begins with.

    def store(self, egress=(), name=None, **more):
        body = {"name": name or unique("store"), "egressAllowlist": list(egress), **more}
        return self.ok("POST", "/api/secret-stores", body, 201)

    def secret(self, store, name="API_KEY", text=None, **more):
        """Sets a secret; its value comes back beside what the API answered."""
        text = self.canaries.add(text or value())
        path = f"/api/secret-stores/{store['id']}/secrets/{name}"
        return text, self.ok("PUT", path, {"value": text, **more})

    def sandbox(self, store=None, **more):
        if store is not None:
            more["secretStore"] = store["name"]
        return Sandbox(self, self.ok("POST", "/api/sandboxes", more, 201))

    def fork(self, checkpoint, store=None, **more):
        if store is not None:
            more["secretStore"] = store["name"]
        path = f"/api/sandboxes/from-checkpoint/{checkpoint['id']}"
        return Sandbox(self, self.ok("POST", path, more, 201))


class Sandbox:
    """A sandbox: its environment, and what runs in it."""

    def __init__(self, api, shown):
        self.api, self.shown = api, shown
        self.id, self.envs = shown["sandboxID"], shown["envs"]
        self.path = f"/api/sandboxes/{self.id}"
        credentials, self.endpoint = shown["proxyURL"].removeprefix("http://").rsplit("@", 1)
        self.credentials = tuple(credentials.split(":", 1))

    def token(self, name="API_KEY"):
        return self.envs[name]

    def refresh(self):
        self.envs = self.api.get(self.path + "/env")["envs"]
        return self

    @property
    def ca_file(self):
        return self.envs["SSL_CERT_FILE"]

    def post(self, what, json=None, status=200):
        return self.api.ok("POST", f"{self.path}/{what}", json, status)

    def checkpoint(self, name=None):
        return self.post("checkpoints", {"name": name or unique("checkpoint")}, 201)

    def allowed_hosts(self):
        return self.api.get(self.path + "/allowed-hosts")

    def explain(self, url, secret=None):
        query = {"url": url, **({"secret": secret} if secret else {})}
        return self.api.get(f"{self.path}/explain?{requests.compat.urlencode(query)}")

    def run(self, *command, env=None, input=None, check=True, cwd=None):
        """A program inside: it has the sandbox's environment and nothing else."""
        inside = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **self.envs, **(env or {})}
        ran = subprocess.run(
            [str(part) for part in command],
            env=inside,
            input=input,
            cwd=cwd,
            capture_output=True,
            timeout=2 * GENEROUS,
        )
        if check:
            assert ran.returncode == 0, (ran.returncode, ran.stdout, ran.stderr)
        return ran

    def curl(self, *arguments, **options):
        return self.run("curl", "-sS", *arguments, **options)

    # Byte by byte.

    def wire(self, source=None):
        return Wire(self.endpoint, source)

    def tunnel(self, host, port=443, tls=True, source=None, **settings):
        """A connection into which requests for this host can be written."""
        wire = self.wire(source)
        answer = wire.connect(f"{host}:{port}", self.credentials)
        assert answer.status == 200, (answer.start, answer.body)
        if tls:
            wire.start_tls(host, self.ca_file, **settings)
        return wire

    def fetch(self, host, path="/", fields=(), method="GET", body=None):
        """One request over TLS."""
        with self.tunnel(host) as wire:
            return wire.request(method, path, [("Host", host), *fields], body)
