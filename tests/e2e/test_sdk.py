# SPDX-License-Identifier: Apache-2.0
"""The official @opencomputer/sdk, unmodified, with only the URL and the key changed."""

import json
import os
import subprocess

import pytest

from harness.api import unique, value


@pytest.fixture(scope="module")
def calls(proxy, node_modules):
    """What every call of node/opencomputer.mjs gave."""
    environment = {
        "PATH": os.environ["PATH"],
        "OPENCOMPUTER_API_URL": proxy.url,
        "OPENCOMPUTER_API_KEY": proxy.api.key,
    }
    suffix, secret = unique("sdk"), proxy.canaries.add(value())
    proxy.canaries.add(f"{secret}-doomed")
    ran = subprocess.run(
        ["node", node_modules / "opencomputer.mjs", suffix, secret],
        env=environment, capture_output=True, timeout=120,
    )
    assert ran.returncode == 0, ran.stderr.decode()
    assert secret.encode() not in ran.stdout
    return {"suffix": suffix, **json.loads(ran.stdout)}


def test_stores_are_created_listed_read_and_updated(calls):
    created = calls["created"]
    assert set(created) >= {"id", "orgId", "name", "egressAllowlist", "createdAt", "updatedAt"}
    assert created["name"] == f"base-{calls['suffix']}"
    assert {created["name"], f"extra-{calls['suffix']}"} <= set(calls["listed"])
    assert calls["got"] == created
    assert calls["updated"]["egressAllowlist"] == ["other.test", "*.example.test"]
    assert calls["updated"]["name"] == f"extra-{calls['suffix']}"


def test_secrets_are_set_listed_and_deleted(calls):
    secrets = {secret["name"]: secret for secret in calls["secrets"]}
    assert secrets["API_KEY"]["allowedHosts"] == ["api.test"]
    assert secrets["DOOMED"]["allowedHosts"] == []
    assert calls["secretsLeft"] == ["API_KEY"]


def test_a_sandbox_runs_hibernates_and_wakes(calls):
    assert calls["sandboxId"].startswith("sb-")
    assert calls["status"] == "running" and calls["running"] is True
    assert calls["connected"] == "running"
    assert calls["hibernated"] == ["hibernated", False]
    assert calls["woken"] == ["running", True]


def test_allowed_hosts_have_the_shape_of_allowed_hosts_info(calls):
    assert calls["allowedHosts"] == {
        "sandboxID": calls["sandboxId"],
        "secretStore": f"base-{calls['suffix']}",
        "egressAllowlist": ["api.test"],
        "perSecretAllowedHosts": {"API_KEY": ["api.test"]},
    }


def test_checkpoints_are_ready_and_listed(calls):
    checkpoint = calls["checkpoint"]
    assert checkpoint["status"] == "ready" and checkpoint["name"] == "first"
    assert checkpoint["sandboxId"] == calls["sandboxId"]
    assert [entry["id"] for entry in calls["checkpoints"]] == [checkpoint["id"]]


def test_a_fork_layers_the_store_it_names(calls):
    hosts = calls["forkHosts"]
    assert hosts["secretStore"] == f"extra-{calls['suffix']}"
    assert hosts["baseSecretStore"] == f"base-{calls['suffix']}"
    assert hosts["egressAllowlist"] == ["api.test", "other.test", "*.example.test"]


def test_what_is_killed_or_deleted_is_gone(calls):
    assert calls["forkRunning"] is False
    assert "404" in calls["gone"] and "404" in calls["deleted"]


def test_what_is_not_there_is_refused_with_501(calls):
    assert "501" in calls["previewAuth"]
