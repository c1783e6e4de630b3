# SPDX-License-Identifier: Apache-2.0
"""Ways out of `sealgate run`, each a case that says what stopped it. One run tries them all."""

import contextlib
import ctypes
import errno
import json
import os
import pathlib
import socket
import subprocess

import pytest

from harness.proxy import Sealgate, children_of
from harness.run import PROGRAMS, PYTHON, USERS, Runner
from harness.wait import until

VALUE = "sk-live-fedcba9876543210"
SHARED_MEMORY_KEY = 0x5EA16A7E
REFUSED = "ECONNREFUSED"

# What stopped it. Where there are two, the kernel's version, or who runs it, decides.
STOPPED_BY = {
    "tcp_to_a_service_on_the_hosts_loopback": {REFUSED},
    "tcp_to_a_service_on_the_hosts_loopback_v6": {REFUSED},
    "tcp_to_a_service_on_the_hosts_own_address": {REFUSED},
    "multipath_tcp_to_the_host": {REFUSED, "EPROTONOSUPPORT", "ENOPROTOOPT"},
    "ssh_to_a_public_address": {REFUSED},
    "ssh_to_a_public_address_v6": {REFUSED},
    "https_on_another_port": {REFUSED},
    "smtp": {REFUSED},
    "dns_over_tls": {REFUSED},
    "udp_to_a_service_on_the_hosts_loopback": {REFUSED},
    "quic": {REFUSED},
    "quic_v6": {REFUSED},
    "ntp": {REFUSED},
    "a_proxy_port_of_another_network": {REFUSED},
    "dns_for_an_unlisted_name": {"rcode 3", "rcode 5"},
    "dns_for_an_unlisted_name_v6": {"rcode 3", "rcode 5"},
    "dns_over_tcp_for_an_unlisted_name": {"rcode 3", "rcode 5"},
    "a_dns_tunnel_in_txt_records": {"rcode 3", "rcode 5"},
    "dns_over_https_to_an_unlisted_name": {"403"},
    "tls_without_a_name": {"403", "closed", "ECONNRESET"},
    "plain_http_to_the_metadata_address": {"403"},
    "the_listed_name_in_the_sni_and_another_in_host": {"421"},
    "something_that_is_not_tls_on_443": {"closed or 400", "ECONNRESET"},
    "connect_through_the_explicit_proxy_to_an_unlisted_host": {"refused at once", "403"},
    "sctp_to_the_host": {REFUSED, "EPROTONOSUPPORT", "ESOCKTNOSUPPORT"},
    "udp_lite_to_the_host": {REFUSED, "EPROTONOSUPPORT"},
    "dccp_to_the_host": {REFUSED, "EPROTONOSUPPORT", "ESOCKTNOSUPPORT"},
    "a_tunnel_device": {"EPERM", "ENOENT", "EACCES", "ENODEV"},
    "a_raw_socket": {"EPERM"},
    "a_raw_socket_v6": {"EPERM"},
    "an_echo_request_without_a_raw_socket": {"EACCES", "EPERM"},
    "a_packet_socket": {"EPERM"},
    "a_socket_to_the_hypervisor": {"EAFNOSUPPORT"},
    "a_bluetooth_socket": {"EAFNOSUPPORT"},
    "a_socket_of_the_crypto_api": {"EAFNOSUPPORT"},
    "io_uring": {"ENOSYS"},
    "a_transparent_socket": {"EPERM"},
    "binding_to_an_interface_of_the_host": {"ENODEV", "EPERM"},
    "an_abstract_socket_of_the_host": {REFUSED},
    "a_socket_in_the_file_system": {REFUSED},
    "a_datagram_socket_in_the_file_system": {REFUSED},
    "shared_memory_by_name": {"ENOENT"},
    "shared_memory_by_key": {"ENOENT"},
    "a_message_queue_by_name": {"ENOENT"},
    "a_key_of_the_callers_session": {"ENOKEY", "ENOSYS", "EPERM"},
    "deleting_the_route_to_the_proxy": {"EPERM"},
    "making_an_interface": {"EPERM"},
    "taking_the_interface_down": {"EPERM"},
    "the_network_of_the_first_process": {"EACCES", "EPERM"},
    "a_second_network_namespace": {"ENETUNREACH", "EPERM", "ENOSPC"},
    "uncovering_a_hidden_socket": {"EINVAL", "EPERM", "ENOSPC"},
    "binding_a_folder_without_what_covers_its_socket": {"EINVAL", "EPERM", "ENOSPC"},
    "cloning_a_folder_without_what_covers_its_socket": {"EINVAL", "EPERM", "ENOSPC"},
    "a_fresh_list_of_the_machines_processes": {"ENOENT", "EPERM", "ENOSPC"},
    "uncovering_the_machines_processes": {"EINVAL", "EPERM", "ENOSPC"},
    "uncovering_the_resolver_file": {"EINVAL", "EPERM", "ENOSPC"},
    "unmounting_with_what_it_has": {"EPERM"},
    "mounting_with_what_it_has": {"EPERM"},
    "leaving_by_chroot": {"EPERM"},
    "signalling_the_proxy": {"ESRCH"},
    "seeing_the_proxy": {"ENOENT", "ESRCH"},
    "a_descriptor_of_the_proxy": {"ESRCH"},
    "tracing_the_proxy": {"ESRCH"},
    "tracing_the_first_process": {"EPERM"},
    "reading_the_memory_of_the_first_process": {"EACCES", "EPERM"},
    "reading_the_environment_of_the_first_process": {"EACCES", "EPERM"},
    "what_the_first_process_was_called_with": {"none"},
    "the_descriptors_of_the_first_process": {"EACCES", "EPERM"},
    "killing_the_first_process": {"ignored"},
    "inherited_descriptors": {"none"},
    "its_files": {"ENOENT"},
    "its_control_socket": {"ENOENT"},
    "a_secret_in_any_environment": {"none"},
    "any_capability": {"none"},
    "new_privileges_by_exec": {"forbidden"},
    "typing_into_the_terminal": {"EPERM"},
    "typing_into_the_terminal_with_high_bits": {"EPERM"},
    "a_setting_of_the_kernel": {"EROFS", "EACCES"},
    "a_setting_in_sys": {"EROFS", "EACCES"},
    "the_hosts_name": {"EPERM"},
}

# Where the machine's services listen; what is missing is made for the test, by root.
PLACES = [
    "/run/user/0/bus",
    "/run/dbus/system_bus_socket",
    "/run/systemd/private",
    "/run/nscd/socket",
    "/run/docker.sock",
    "/run/podman/podman.sock",
    "/run/containerd/containerd.sock",
    "/tmp/.X11-unix/X98",
    "/tmp/ssh-sealgatetest/agent.1",
]


def listener(family, kind, address):
    sock = socket.socket(family, kind)
    sock.bind(address)
    if kind == socket.SOCK_STREAM:
        sock.listen()
    return sock


def is_served(place):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        return sock.connect_ex(place) not in (errno.ENOENT, errno.ECONNREFUSED)


@contextlib.contextmanager
def service_at(path):
    """A socket that everybody may connect to, and no trace of it afterwards."""
    path = pathlib.Path(path)
    path.unlink(missing_ok=True)  # what somebody left who was killed
    missing = [parent for parent in path.parents if not parent.exists()]
    for parent in reversed(missing):
        parent.mkdir(mode=0o755)
    try:
        with listener(socket.AF_UNIX, socket.SOCK_STREAM, str(path)):
            path.chmod(0o777)
            yield
    finally:
        path.unlink(missing_ok=True)
        for parent in missing:
            parent.rmdir()


def own_address():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(("203.0.113.1", 9))  # nothing is sent
            return sock.getsockname()[0]
        except OSError:
            return "127.0.0.2"


def add_key_to_a_session_of_our_own(libc, name):
    """Whoever is started from here has it, unless that is undone. Readable by all who possess it."""
    ring = libc.syscall(250, 1, None)
    key = libc.syscall(248, b"user", name.encode(), b"outside", 7, -3)
    libc.syscall(250, 5, key, 0x3F3F3F3F)
    libc.syscall(250, 5, ring, 0x3F3F3F3F)


@contextlib.contextmanager
def machine(folder):
    """What there is to reach from outside of the namespaces."""
    with contextlib.ExitStack() as stack:
        tcp = stack.enter_context(listener(socket.AF_INET, socket.SOCK_STREAM, ("0.0.0.0", 0)))
        udp = stack.enter_context(listener(socket.AF_INET, socket.SOCK_DGRAM, ("0.0.0.0", 0)))
        abstract = f"sealgate-test-{os.getpid()}"
        stack.enter_context(listener(socket.AF_UNIX, socket.SOCK_STREAM, "\0" + abstract))
        unix, datagram = folder / "service", folder / "service-datagram"
        stack.enter_context(listener(socket.AF_UNIX, socket.SOCK_STREAM, str(unix)))
        stack.enter_context(listener(socket.AF_UNIX, socket.SOCK_DGRAM, str(datagram)))
        for path in (unix, datagram):
            path.chmod(0o777)
        places = [place for place in PLACES if os.geteuid() == 0 and not is_served(place)]
        for place in places:
            stack.enter_context(service_at(place))
        memory = pathlib.Path(f"/dev/shm/sealgate-test-{os.getpid()}")
        memory.write_text("outside")
        stack.callback(memory.unlink)
        libc = ctypes.CDLL(None)
        queue = f"/sealgate-test-{os.getpid()}"
        libc.mq_open(queue.encode(), os.O_RDWR | os.O_CREAT, 0o666, None)
        stack.callback(lambda: libc.mq_unlink(queue.encode()))
        add_key_to_a_session_of_our_own(libc, queue)
        segment = libc.shmget(SHARED_MEMORY_KEY, 4096, 0o1666)
        stack.callback(lambda: libc.shmctl(segment, 0, None))
        yield {
            "tcp": tcp.getsockname()[1],
            "udp": udp.getsockname()[1],
            "address": own_address(),
            "abstract": abstract,
            "unix": str(unix),
            "unix_datagram": str(datagram),
            "places": places,
            "shared_memory": memory.name,
            "shared_memory_key": SHARED_MEMORY_KEY,
            "message_queue": queue,
            "key": queue,
            "value": VALUE[::-1],
        }


@pytest.fixture(scope="module")
def server(folder, upstream):
    """A sealgate of the same machine, whose data directory is there to be found."""
    with Sealgate({"upstream": upstream}) as running:
        yield running


@pytest.fixture(scope="module", params=USERS)
def tried(request, folder, upstream, server):
    place = folder / f"escape-{request.param}"
    place.mkdir(mode=0o755)
    run = Runner(place, {"upstream": upstream}, request.param)
    run.config.write_text(
        json.dumps({"data_dir": str(server.data_dir), "upstream": upstream})
    )
    flags = ["--secret", "KEY=env:API_KEY@api.test"]
    with machine(place) as host:
        # It waits for its standard input, so that the proxy's processes can be named.
        program = 'read host; exec "$0" "$1" "$host"'
        command = ["/bin/sh", "-c", program, PYTHON, str(PROGRAMS / "escapes.py")]
        with run.start(
            *flags,
            command=command,
            env={"API_KEY": VALUE},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as process:
            pids = until(lambda: len(found := children_of(process.pid)) >= 5 and found, "it is up")
            host |= {"pids": [process.pid, *pids], "data_dir": str(server.data_dir)}
            output, _ = process.communicate(json.dumps(host) + "\n", timeout=120)
    return json.loads(output)


@pytest.mark.parametrize("way", STOPPED_BY)
def test_a_way_out_is_closed(tried, way):
    assert tried[way] in STOPPED_BY[way]


def test_no_service_of_the_machine_can_be_reached(tried):
    stopped = {way: by for way, by in tried.items() if way.startswith("socket ")}
    assert all(by in {"ENOENT", REFUSED} for by in stopped.values()), stopped
    assert os.geteuid() != 0 or stopped


def test_every_attempt_is_judged(tried):
    assert {way for way in tried if not way.startswith("socket ")} == set(STOPPED_BY)
    assert len(STOPPED_BY) >= 60
