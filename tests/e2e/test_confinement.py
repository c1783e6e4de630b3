# SPDX-License-Identifier: Apache-2.0
"""What the kernel says of each process: its filter, its limits, what it has open. What each role may still do is tried in
tests/unit/confine_test.c and landlock_test.c."""

import os
import pathlib
import signal

import pytest

from harness.proxy import BINARY, ROLES, Sealgate
from harness.wait import until


def ok(exchange):
    exchange.answer(200, body=b"ok")


def is_sanitized():
    return b"__asan_init" in pathlib.Path(BINARY).read_bytes()


def status_of(pid):
    lines = open(f"/proc/{pid}/status").read().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def limit_of(pid, name):
    [line] = [line for line in open(f"/proc/{pid}/limits") if line.startswith(name)]
    return line[len(name) :].split()[:2]


@pytest.fixture(params=[None, 65534], ids=["as root", "as a user"])
def running(request, upstream):
    if request.param is not None and os.geteuid() != 0:
        pytest.skip("to start it as somebody else needs root")
    proxy = Sealgate({"upstream": upstream, "workers": 2})
    proxy.run_as = request.param
    if request.param is not None:
        os.chown(proxy.folder, request.param, request.param)
    with proxy:
        yield proxy


def processes(proxy):
    return [(role, pid) for role in ROLES for pid in proxy.pids(role)]


def use(proxy, origin):
    """A request with a secret, so that everybody has had something to do."""
    store = proxy.api.store(["api.test"])
    proxy.api.secret(store)
    sandbox = proxy.api.sandbox(store)
    with sandbox.tunnel("api.test") as wire:
        fields = [("Host", "api.test"), ("X-Api-Key", sandbox.token())]
        assert wire.request("GET", origin.on(ok), fields).status == 200


def test_every_process_has_a_filter_and_no_way_back_to_privileges(running, origin):
    use(running, origin)
    assert len(processes(running)) == 5
    for role, pid in processes(running):
        found = status_of(pid)
        assert found["Seccomp"] == "2", role
        assert found["NoNewPrivs"] == "1", role
        # An ordinary user's bounding set is of no use without privileges to gain.
        held = ["CapInh", "CapPrm", "CapEff", "CapAmb"] + ([] if running.run_as else ["CapBnd"])
        assert {found[name] for name in held} == {"0000000000000000"}, role
        assert limit_of(pid, "Max core file size") == ["0", "0"], role
        assert is_sanitized() or limit_of(pid, "Max processes") == ["0", "0"], role
        assert found["Threads"] == "1", role


def test_a_worker_and_the_dialer_have_no_file_open(running, origin):
    use(running, origin)
    for role, pid in processes(running):
        if role not in ("worker", "dialer"):
            continue
        opened = [os.readlink(link) for link in pathlib.Path(f"/proc/{pid}/fd").iterdir()]
        allowed = ("socket:", "anon_inode:", "pipe:", "/memfd:", "/dev/null")
        own = (str(running.log_file), str(running.data_dir / "audit.jsonl"))
        assert [path for path in opened if not path.startswith(allowed) and path not in own] == [], role


def test_each_worker_has_a_uid_that_no_other_process_has(running):
    if running.run_as is not None:
        pytest.skip("as a user, all share that user's")
    uids = [status_of(pid)["Uid"].split()[0] for _, pid in processes(running)]
    assert len(set(uids)) == len(uids)


def test_a_process_that_the_filter_killed_is_reported_and_replaced(own_proxy):
    proxy = own_proxy(workers=1)
    [worker] = proxy.pids("worker")
    proxy.may_complain = True
    os.kill(worker, signal.SIGSYS)  # what the kernel ends it with
    until(lambda: "killed by the system call filter" in proxy.log(), "the supervisor says so")
    until(lambda: proxy.pids("worker") not in ([], [worker]), "the worker is back")
