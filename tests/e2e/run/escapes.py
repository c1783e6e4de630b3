# SPDX-License-Identifier: Apache-2.0
"""Tries one way out after another, from inside, and says as JSON what stopped each: the name of an
errno, or a word of its own. "OUT" means that nothing did.

Arguments: a JSON object of what the machine outside has to offer."""

import ctypes
import errno
import fcntl
import json
import os
import pty
import signal
import socket
import ssl
import struct
import sys
import termios

HOST = json.loads(sys.argv[1])
LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x20000, 0x10000000, 0x40000000
MNT_DETACH, MS_BIND = 2, 4096
ESCAPES = {}


def escape(function):
    ESCAPES[function.__name__] = function
    return function


def call(name, *arguments):
    """A function of the C library: raises what errno says."""
    result = getattr(LIBC, name)(*arguments)
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def connect(family, kind, address, send=None):
    with socket.socket(family, kind) as sock:
        sock.settimeout(5)
        sock.connect(address)
        if send is not None:
            sock.send(send)
            return sock.recv(4096)
    return b""


def in_child(function):
    """What it does to itself stays there. The errno of its failure is its exit status."""
    pid = os.fork()
    if pid == 0:
        try:
            function()
            os._exit(0)
        except OSError as error:
            os._exit(error.errno)
        except BaseException:
            os._exit(255)
    _, status = os.waitpid(pid, 0)
    number = os.waitstatus_to_exitcode(status)
    if number > 0:
        raise OSError(number, os.strerror(number))


def connect_by(kind, protocol, send=None):
    with socket.socket(socket.AF_INET, kind, protocol) as sock:
        sock.settimeout(5)
        sock.connect((HOST["address"], HOST["tcp"]))
        if send is not None:
            sock.send(send)
            sock.recv(4096)


# TCP and UDP that the proxy does not serve.


@escape
def tcp_to_a_service_on_the_hosts_loopback():
    connect(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", HOST["tcp"]))


@escape
def tcp_to_a_service_on_the_hosts_loopback_v6():
    connect(socket.AF_INET6, socket.SOCK_STREAM, ("::1", HOST["tcp"]))


@escape
def tcp_to_a_service_on_the_hosts_own_address():
    connect(socket.AF_INET, socket.SOCK_STREAM, (HOST["address"], HOST["tcp"]))


@escape
def multipath_tcp_to_the_host():
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262) as sock:
        sock.connect(("127.0.0.1", HOST["tcp"]))


@escape
def ssh_to_a_public_address():
    connect(socket.AF_INET, socket.SOCK_STREAM, ("8.8.8.8", 22))


@escape
def ssh_to_a_public_address_v6():
    connect(socket.AF_INET6, socket.SOCK_STREAM, ("2001:4860:4860::8888", 22))


@escape
def https_on_another_port():
    connect(socket.AF_INET, socket.SOCK_STREAM, ("8.8.8.8", 8443))


@escape
def smtp():
    connect(socket.AF_INET, socket.SOCK_STREAM, ("8.8.8.8", 25))


@escape
def dns_over_tls():
    connect(socket.AF_INET, socket.SOCK_STREAM, ("8.8.8.8", 853))


@escape
def udp_to_a_service_on_the_hosts_loopback():
    connect(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", HOST["udp"]), b"hello")


@escape
def quic():
    connect(socket.AF_INET, socket.SOCK_DGRAM, ("8.8.8.8", 443), b"hello")


@escape
def quic_v6():
    connect(socket.AF_INET6, socket.SOCK_DGRAM, ("2001:4860:4860::8888", 443), b"hello")


@escape
def ntp():
    connect(socket.AF_INET, socket.SOCK_DGRAM, ("8.8.8.8", 123), b"\x1b" + bytes(47))


@escape
def a_proxy_port_of_another_network():
    connect(socket.AF_INET, socket.SOCK_STREAM, ("10.0.0.1", 8080))


# What the proxy serves, and refuses.


def query(name, kind=1):
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    return struct.pack("!6H", 1, 0x100, 1, 0, 0, 0) + labels + struct.pack("!BHH", 0, kind, 1)


def judge(answer):
    code, answers = answer[3] & 15, struct.unpack("!H", answer[6:8])[0]
    return "OUT" if code == 0 and answers else f"rcode {code}"


@escape
def dns_for_an_unlisted_name():
    return judge(connect(socket.AF_INET, socket.SOCK_DGRAM, ("8.8.8.8", 53), query("leak.test")))


@escape
def dns_for_an_unlisted_name_v6():
    address = ("2001:4860:4860::8888", 53)
    return judge(connect(socket.AF_INET6, socket.SOCK_DGRAM, address, query("leak.test")))


@escape
def dns_over_tcp_for_an_unlisted_name():
    text = query("leak.test")
    framed = struct.pack("!H", len(text)) + text
    return judge(connect(socket.AF_INET, socket.SOCK_STREAM, ("8.8.8.8", 53), framed)[2:])


@escape
def a_dns_tunnel_in_txt_records():
    text = query("secret.api.test", 16)
    return judge(connect(socket.AF_INET, socket.SOCK_DGRAM, ("8.8.8.8", 53), text))


def https(address, name):
    context = ssl.create_default_context()
    context.check_hostname = False
    with socket.create_connection((address, 443), 5) as plain:
        with context.wrap_socket(plain, server_hostname=name) as sock:
            host = name or address
            sock.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            return sock.recv(12)


@escape
def dns_over_https_to_an_unlisted_name():
    return "403" if b" 403" in https("8.8.8.8", "dns.google") else "OUT"


@escape
def tls_without_a_name():
    try:
        return "403" if b" 403" in https("8.8.8.8", None) else "OUT"
    except ssl.SSLError:
        return "closed"


@escape
def plain_http_to_the_metadata_address():
    text = b"GET / HTTP/1.1\r\nHost: 169.254.169.254\r\n\r\n"
    answer = connect(socket.AF_INET, socket.SOCK_STREAM, ("169.254.169.254", 80), text)
    return "403" if b" 403" in answer[:16] else "OUT"


@escape
def the_listed_name_in_the_sni_and_another_in_host():
    context = ssl.create_default_context()
    with socket.create_connection(("8.8.8.8", 443), 5) as plain:
        with context.wrap_socket(plain, server_hostname="api.test") as sock:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: other.test\r\n\r\n")
            return "421" if b" 421" in sock.recv(16) else "OUT"


@escape
def something_that_is_not_tls_on_443():
    answer = connect(socket.AF_INET, socket.SOCK_STREAM, ("8.8.8.8", 443), b"SSH-2.0-x\r\n\r\n")
    return "OUT" if b"SSH" in answer else "closed or 400"


@escape
def connect_through_the_explicit_proxy_to_an_unlisted_host():
    text = b"CONNECT other.test:443 HTTP/1.1\r\nHost: other.test:443\r\n\r\n"
    answer = connect(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 3128), text)
    if b" 200" not in answer[:16]:
        return "refused at once"
    context = ssl.create_default_context()
    with socket.create_connection(("127.0.0.1", 3128), 5) as plain:
        plain.sendall(text)
        plain.recv(4096)
        with context.wrap_socket(plain, server_hostname="other.test") as sock:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: other.test\r\n\r\n")
            return "403" if b" 403" in sock.recv(16) else "OUT"


# Other kinds of socket.


@escape
def sctp_to_the_host():
    connect_by(socket.SOCK_STREAM, 132)


@escape
def udp_lite_to_the_host():
    connect_by(socket.SOCK_DGRAM, 136, b"out")


@escape
def dccp_to_the_host():
    connect_by(6, 33)


@escape
def a_tunnel_device():
    with open("/dev/net/tun", "r+b", buffering=0) as device:
        fcntl.ioctl(device, 0x400454CA, struct.pack("16sH22x", b"out", 0x1001))


@escape
def a_raw_socket():
    socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)


@escape
def a_raw_socket_v6():
    socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)


@escape
def an_echo_request_without_a_raw_socket():
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)


@escape
def a_packet_socket():
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0x300)


@escape
def a_socket_to_the_hypervisor():
    socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)


@escape
def a_bluetooth_socket():
    socket.socket(31, socket.SOCK_RAW, 1)


@escape
def a_socket_of_the_crypto_api():
    socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET)


@escape
def io_uring():
    call("syscall", 425, 1, ctypes.create_string_buffer(256))


@escape
def a_transparent_socket():
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        sock.setsockopt(socket.IPPROTO_IP, 19, 1)


@escape
def binding_to_an_interface_of_the_host():
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0\0")


# Unix sockets and other names that cross network namespaces.


@escape
def an_abstract_socket_of_the_host():
    connect(socket.AF_UNIX, socket.SOCK_STREAM, "\0" + HOST["abstract"])


@escape
def a_socket_in_the_file_system():
    connect(socket.AF_UNIX, socket.SOCK_STREAM, HOST["unix"])


@escape
def a_datagram_socket_in_the_file_system():
    connect(socket.AF_UNIX, socket.SOCK_DGRAM, HOST["unix_datagram"])


def connect_to_place(path):
    connect(socket.AF_UNIX, socket.SOCK_STREAM, path)


for place in HOST["places"]:
    ESCAPES["socket " + place] = lambda path=place: connect_to_place(path)


@escape
def shared_memory_by_name():
    with open("/dev/shm/" + HOST["shared_memory"]):
        pass


@escape
def shared_memory_by_key():
    call("shmget", HOST["shared_memory_key"], 0, 0)


@escape
def a_message_queue_by_name():
    call("mq_open", HOST["message_queue"].encode(), os.O_RDWR)


@escape
def a_key_of_the_callers_session():
    """Keyrings are no namespace's: what one side adds the other reads."""
    call("syscall", 250, 10, -3, b"user", HOST["key"].encode(), 0)


# The network's configuration.


def netlink(kind, payload):
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as sock:
        sock.send(struct.pack("=IHHII", 16 + len(payload), kind, 5, 1, 0) + payload)
        answer = sock.recv(4096)
        number = -struct.unpack("=i", answer[16:20])[0]
        if number:
            raise OSError(number, os.strerror(number))


@escape
def deleting_the_route_to_the_proxy():
    netlink(25, struct.pack("=BBBBBBBBI", socket.AF_INET, 0, 0, 0, 255, 3, 254, 2, 0))


@escape
def making_an_interface():
    name = struct.pack("=HH8s", 12, 3, b"escape\0\0")
    netlink(16, struct.pack("=BxHiII", 0, 0, 0, 0, 0) + name)


@escape
def taking_the_interface_down():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, 0x8914, struct.pack("16sH14x", b"lo", 0))


# Namespaces.


@escape
def the_network_of_the_first_process():
    with open("/proc/1/ns/net") as file:
        call("setns", file.fileno(), CLONE_NEWNET)


@escape
def a_second_network_namespace():
    def leave():
        call("unshare", CLONE_NEWUSER | CLONE_NEWNET)
        connect(socket.AF_INET, socket.SOCK_STREAM, ("8.8.8.8", 443))

    in_child(leave)


def uncover(path):
    call("unshare", CLONE_NEWUSER | CLONE_NEWNS)
    call("umount2", path.encode(), MNT_DETACH)


@escape
def uncovering_a_hidden_socket():
    in_child(lambda: uncover(HOST["unix"]))


def bind_without_what_covers(folder, name):
    call("unshare", CLONE_NEWUSER | CLONE_NEWNS)
    call("mount", folder.encode(), b"/mnt", None, MS_BIND, None)
    connect(socket.AF_UNIX, socket.SOCK_STREAM, "/mnt/" + name)


@escape
def binding_a_folder_without_what_covers_its_socket():
    in_child(lambda: bind_without_what_covers(*os.path.split(HOST["unix"])))


@escape
def cloning_a_folder_without_what_covers_its_socket():
    def clone():
        call("unshare", CLONE_NEWUSER | CLONE_NEWNS)
        call("syscall", 428, -100, os.path.dirname(HOST["unix"]).encode(), 1)

    in_child(clone)


@escape
def a_fresh_list_of_the_machines_processes():
    def mount():
        call("unshare", CLONE_NEWUSER | CLONE_NEWNS)
        call("mount", b"proc", b"/mnt", b"proc", 0, None)
        os.stat(f"/mnt/{HOST['pids'][0]}")

    in_child(mount)


@escape
def uncovering_the_machines_processes():
    in_child(lambda: uncover("/proc"))


@escape
def uncovering_the_resolver_file():
    in_child(lambda: uncover("/etc/resolv.conf"))


@escape
def unmounting_with_what_it_has():
    call("umount2", HOST["unix"].encode(), MNT_DETACH)


@escape
def mounting_with_what_it_has():
    call("mount", b"none", b"/tmp", b"tmpfs", 0, None)


@escape
def leaving_by_chroot():
    os.chroot("/")


# The proxy's processes.


@escape
def signalling_the_proxy():
    for pid in HOST["pids"]:
        os.kill(pid, 0)


@escape
def seeing_the_proxy():
    for pid in HOST["pids"]:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            if b"sealgate" not in file.read():
                raise OSError(errno.ESRCH, "another process")


@escape
def a_descriptor_of_the_proxy():
    os.pidfd_open(HOST["pids"][0])


@escape
def tracing_the_proxy():
    call("ptrace", 16, HOST["pids"][0], None, None)


@escape
def tracing_the_first_process():
    call("ptrace", 16, 1, None, None)


@escape
def reading_the_memory_of_the_first_process():
    with open("/proc/1/mem", "rb"):
        pass


@escape
def reading_the_environment_of_the_first_process():
    with open("/proc/1/environ", "rb") as file:
        file.read()


@escape
def what_the_first_process_was_called_with():
    with open("/proc/1/cmdline", "rb") as file:
        return "OUT" if b"@api.test" in file.read() else "none"


@escape
def the_descriptors_of_the_first_process():
    # Root may list them; nobody may have one.
    for number in os.listdir("/proc/1/fd"):
        os.open(f"/proc/1/fd/{number}", os.O_RDONLY)


@escape
def killing_the_first_process():
    os.kill(1, signal.SIGKILL)
    return "ignored"  # or we would not be here


@escape
def inherited_descriptors():
    return "OUT" if set(os.listdir("/proc/self/fd")) - {"0", "1", "2", "3"} else "none"


@escape
def its_files():
    with open(os.path.join(HOST["data_dir"], "api-key")):
        pass


@escape
def its_control_socket():
    connect(socket.AF_UNIX, socket.SOCK_STREAM, os.path.join(HOST["data_dir"], "control.sock"))


@escape
def a_secret_in_any_environment():
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                if HOST["value"].encode()[::-1] in file.read()[::-1]:
                    return "OUT" if pid != str(os.getpid()) else "in our argument"
        except OSError:
            pass
    return "none"


# Privileges and the terminal.


@escape
def any_capability():
    with open("/proc/self/status") as file:
        lines = dict(line.split(":\t", 1) for line in file if ":\t" in line)
    held = [lines[name].strip() for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")]
    return "OUT" if any(int(mask, 16) for mask in held) else "none"


@escape
def new_privileges_by_exec():
    return "forbidden" if call("prctl", 39, 0, 0, 0, 0) == 1 else "OUT"


def in_a_terminal_of_its_own(request):
    """Into its controlling terminal whoever may type may type without any privilege."""

    def type_into_it():
        os.setsid()
        _, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
        call("syscall", 16, terminal, ctypes.c_ulong(request), b"x")

    in_child(type_into_it)


@escape
def typing_into_the_terminal():
    in_a_terminal_of_its_own(termios.TIOCSTI)


@escape
def typing_into_the_terminal_with_high_bits():
    in_a_terminal_of_its_own(0x500000000 | termios.TIOCSTI)


@escape
def a_setting_of_the_kernel():
    with open("/proc/sys/kernel/core_pattern", "r+"):
        pass


@escape
def a_setting_in_sys():
    with open("/sys/kernel/mm/transparent_hugepage/enabled", "r+"):
        pass


@escape
def the_hosts_name():
    socket.sethostname("escaped")


def attempt(function):
    try:
        return function() or "OUT"
    except TimeoutError:
        return "timeout"
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))


print(json.dumps({name: attempt(function) for name, function in ESCAPES.items()}))
