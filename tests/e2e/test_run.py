# SPDX-License-Identifier: Apache-2.0
"""`sealgate run`: one command, contained, with nothing to set up."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time

import pytest

from harness.proxy import BINARY, children_of, environment
from harness.run import PROGRAMS, PYTHON, USERS, Runner
from harness.wait import until

VALUE = "sk-live-0123456789abcdef"
BARE = ("env", "-i", "/usr/bin/curl")  # no variable says that there is a proxy, or whom to trust
QUIET = ("-sS", "-m", "20")


@pytest.fixture(scope="module", params=USERS)
def run(request, folder, upstream):
    place = folder / f"run-{request.param}"
    place.mkdir(mode=0o755)
    return Runner(place, {"upstream": upstream}, request.param)


@pytest.fixture(scope="module")
def run_any(folder, upstream):
    place = folder / "run-any"
    place.mkdir(mode=0o755)
    return Runner(place, {"upstream": upstream}, USERS[-1])


def curl(*arguments):
    return ("/usr/bin/curl", *QUIET, *arguments)


def bare_curl(*arguments):
    return (*BARE, *QUIET, *arguments)


def shell(text):
    return ("/bin/sh", "-c", text)


# What reaches the proxy.


@pytest.mark.parametrize("client", [curl, bare_curl], ids=["with-variables", "without-variables"])
@pytest.mark.parametrize("scheme", ["https", "http"])
def test_an_allowed_host_is_reached(run, origin, client, scheme):
    path = origin.on(lambda exchange: exchange.answer(body=b"hello"))
    ran = run(*client(f"{scheme}://api.test{path}"), flags=["--allow", "api.test"])
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "hello", "")


@pytest.mark.parametrize("client", [curl, bare_curl], ids=["with-variables", "without-variables"])
def test_a_secret_reaches_its_host_and_never_the_command(run, origin, client):
    path = origin.on(lambda exchange: exchange.echo())
    ran = run(
        *shell(f"{' '.join(client())} -H \"Authorization: Bearer $KEY\" https://api.test{path}"),
        flags=["--secret", "KEY=env:API_KEY@api.test"],
        env={"API_KEY": VALUE},
    )
    assert ran.returncode == 0, ran.stderr
    assert origin.request(path).field("authorization") == f"Bearer {VALUE}"
    assert VALUE not in ran.stdout + ran.stderr
    assert "osb_sealed_" in ran.stdout


@pytest.mark.parametrize("source", ["file", "cmd"])
def test_a_secret_comes_from_a_file_or_a_command(run, origin, folder, source):
    file = folder / "value"
    file.write_text(VALUE + "\n")
    file.chmod(0o644)
    path = origin.on(lambda exchange: exchange.answer())
    text = f"file:{file}" if source == "file" else f"cmd:cat {file}"
    ran = run(
        *shell(f"curl -sS -H \"x-key: $KEY\" https://api.test{path}"),
        flags=["--secret", f"KEY={text}@api.test"],
    )
    assert ran.returncode == 0, ran.stderr
    assert origin.request(path).field("x-key") == VALUE


def test_a_store_of_the_configuration_is_used(folder, upstream, origin):
    place = folder / "run-store"
    place.mkdir(mode=0o755)
    secrets = {"KEY": {"from": "env:STORE_KEY", "hosts": ["api.test"]}}
    store = {"name": "mine", "egress": ["api.test"], "secrets": secrets}
    run = Runner(place, {"upstream": upstream, "stores": [store]}, USERS[-1])
    path = origin.on(lambda exchange: exchange.answer())
    ran = run(
        *shell(f"curl -sS -H \"x-key: $KEY\" https://api.test{path}; env"),
        flags=["--store", "mine"],
        env={"STORE_KEY": VALUE},
    )
    assert origin.request(path).field("x-key") == VALUE
    assert VALUE not in ran.stdout
    assert run("true", flags=["--store", "other"]).returncode == 1


def test_names_are_answered_for_allowed_hosts_alone(run):
    program = "import socket; print(socket.gethostbyname('{}'))"
    allowed = run(PYTHON, "-c", program.format("api.test"), flags=["--allow", "api.test"])
    assert allowed.returncode == 0, allowed.stderr
    denied = run(PYTHON, "-c", program.format("other.test"), flags=["--allow", "api.test"])
    assert denied.returncode == 1
    assert "gaierror" in denied.stderr


def test_an_address_of_the_clients_choice_is_not_used(run, origin):
    path = origin.on(lambda exchange: exchange.answer(body=b"by name"))
    ran = run(
        *bare_curl("--connect-to", "::203.0.113.77:443", f"https://api.test{path}"),
        flags=["--allow", "api.test"],
    )
    assert ran.stdout == "by name", ran.stderr


@pytest.mark.parametrize("address", ["203.0.113.1", "[2001:db8::1]"])
def test_both_address_families_are_captured(run, origin, address):
    path = origin.on(lambda exchange: exchange.answer(body=b"captured"))
    ran = run(
        *bare_curl("--connect-to", f"::{address}:443", f"https://api.test{path}"),
        flags=["--allow", "api.test"],
    )
    assert ran.stdout == "captured", ran.stderr


def test_python_trusts_us_without_a_variable(run, origin):
    path = origin.on(lambda exchange: exchange.answer(body=b"trusted"))
    program = f"import urllib.request as u; print(u.urlopen('https://api.test{path}').read())"
    ran = run("env", "-i", PYTHON, "-c", program, flags=["--allow", "api.test"])
    assert ran.stdout == "b'trusted'\n", ran.stderr


# What is refused, and how that is said.


def test_another_host_is_refused_and_the_flag_is_named(run, origin):
    path = origin.on(lambda exchange: exchange.answer())
    ran = run(*curl(f"https://other.test{path}"), flags=["--allow", "api.test"])
    assert json.loads(ran.stdout)["hint"] == "Give `sealgate run` --allow other.test."
    assert "other.test: host_not_allowed (allow it with --allow other.test)" in ran.stderr
    assert origin.requests(path) == []


def test_refusals_are_counted_per_host(run):
    once = "curl -sS -o /dev/null https://other.test/;"
    ran = run(*shell(once * 3), flags=["--allow", "api.test"])
    assert "other.test: host_not_allowed, 3 times" in ran.stderr


def test_a_secret_at_another_host_names_the_flag_for_it(run, origin):
    path = origin.on(lambda exchange: exchange.answer())
    ran = run(
        *shell(f"curl -sS -H \"x-key: $KEY\" https://other.test{path}"),
        flags=["--secret", "KEY=env:API_KEY@api.test", "--allow", "other.test"],
        env={"API_KEY": VALUE},
    )
    assert json.loads(ran.stdout)["hint"] == "Give `sealgate run` --secret KEY=SOURCE@other.test."
    assert "(allow it with --secret KEY=SOURCE@other.test)" in ran.stderr
    assert origin.requests(path) == []


def test_a_secret_without_hosts_allows_nothing(run):
    ran = run(
        *curl("https://api.test/"), flags=["--secret", "KEY=env:API_KEY"], env={"API_KEY": VALUE}
    )
    assert "host_not_allowed" in ran.stdout


def test_without_any_flag_nothing_is_denied_and_that_is_said(run, origin):
    path = origin.on(lambda exchange: exchange.answer(body=b"open"))
    ran = run(*curl(f"https://other.test{path}"))
    assert ran.stdout == "open"
    assert "nothing is denied" in ran.stderr


def test_learning_prints_the_allowlist_that_was_needed(run, origin):
    path = origin.on(lambda exchange: exchange.answer())
    ran = run(
        *shell(f"curl -sS https://api.test{path}; curl -sS http://other.test{path}"),
        flags=["--learn", "--allow", "third.test"],
    )
    assert "learning: nothing is denied" in ran.stderr
    expected = ["stores:", "- name: learned", "egress:", '- "api.test"', '- "other.test"']
    assert [line.strip() for line in ran.stderr.splitlines()[-5:]] == expected


def test_what_was_learned_is_a_store_for_the_next_run(run_any, folder, upstream, origin):
    path = origin.on(lambda exchange: exchange.answer(body=b"learned"))
    once = curl(f"https://api.test{path}")
    learned = run_any(*once, flags=["--learn"]).stderr.partition("it needed:\n")[2]
    place = folder / "learned"
    place.mkdir(mode=0o755)
    again = Runner(place, {"upstream": upstream}, USERS[-1])
    again.config.write_text(f"{{upstream: {json.dumps(upstream)}}}"[1:-1] + "\n" + learned)
    ran = again(*once, flags=["--store", "learned"])
    assert (ran.stdout, ran.stderr) == ("learned", "")
    assert "host_not_allowed" in again(*curl("https://other.test/"), flags=["--store", "learned"]).stdout


def test_a_pinned_host_passes_unopened(run_any, origin, authority):
    path = origin.on(lambda exchange: exchange.answer(body=b"unopened"))
    fetch = bare_curl("--cacert", str(authority.file), "--capath", "/dev", f"https://api.test{path}")
    assert run_any(*fetch, flags=["--allow", "api.test"]).returncode == 60  # not its certificate
    flags = ["--passthrough", "api.test", "--allow", "other.test"]
    ran = run_any(*fetch, flags=flags)
    assert (ran.stdout, ran.stderr) == ("unopened", "")
    learned = run_any(*fetch, flags=[*flags, "--learn"])
    assert learned.stdout == "unopened", learned.stderr
    expected = ["egress:", '- "api.test"', "passthroughHosts:", '- "api.test"']
    assert [line.strip() for line in learned.stderr.splitlines()[-4:]] == expected


def test_flags_that_say_how_a_host_is_reached_deny_no_other(run_any, origin):
    path = origin.on(lambda exchange: exchange.answer(body=b"open"))
    flags = ["--passthrough", "api.test", "--private", "db.test"]
    ran = run_any(*curl(f"https://other.test{path}"), flags=flags)
    assert ran.stdout == "open"
    assert "nothing is denied" in ran.stderr


def test_hosts_may_be_separated_by_commas(run_any, origin):
    path = origin.on(lambda exchange: exchange.answer(body=b"."))
    both = f"curl -sS https://api.test{path} https://other.test{path}"
    assert run_any(*shell(both), flags=["--allow", "api.test,other.test"]).stdout == ".."


# The environment.


def test_variables_with_a_secret_or_a_way_out_are_removed(run):
    ran = run(
        "env",
        flags=["--secret", "KEY=env:API_KEY@api.test", "--env", "MINE=yes"],
        env={
            "API_KEY": VALUE,
            "DATABASE_URL": f"postgresql://u:{VALUE}@db/x",
            "DBUS_SESSION_BUS_ADDRESS": "unix:path=/run/user/1/bus",
            "DBUS_STARTER_BUS_TYPE": "session",
            "SSH_AUTH_SOCK": "/tmp/agent",
            "DISPLAY": ":0",
            "WAYLAND_DISPLAY": "wayland-0",
            "DOCKER_HOST": "unix:///run/docker.sock",
            "KEPT": "kept",
        },
    )
    seen = dict(line.partition("=")[::2] for line in ran.stdout.splitlines())
    gone = {"API_KEY", "DATABASE_URL", "DBUS_SESSION_BUS_ADDRESS", "DBUS_STARTER_BUS_TYPE"}
    gone |= {"SSH_AUTH_SOCK", "DISPLAY", "WAYLAND_DISPLAY", "DOCKER_HOST"}
    assert gone.isdisjoint(seen)
    assert VALUE not in ran.stdout
    assert seen["KEPT"] == "kept" and seen["MINE"] == "yes"
    assert seen["KEY"].startswith("osb_sealed_")
    assert pathlib.Path(seen["SSL_CERT_FILE"]).name.startswith("ca")


# The variable, what it says where {} is a socket, and the socket's place in a folder that is hidden.
SHARED = [
    ("SSH_AUTH_SOCK", "{}", "agent"),
    ("DBUS_SESSION_BUS_ADDRESS", "unix:path={},guid=0123456789abcdef", "bus"),
    ("DOCKER_HOST", "unix://{}", "docker.sock"),
    ("WAYLAND_DISPLAY", "wayland-7", "wayland-7"),
    ("PULSE_SERVER", "unix:{}", "pulse"),
]
ASK = """
import os, socket, sys
with socket.socket(socket.AF_UNIX) as sock:
    print(sys.argv[1] in os.environ, sock.connect_ex(sys.argv[2]) == 0)
"""


@pytest.fixture
def services(folder):
    """A runtime folder with a socket for each of them."""
    folder = pathlib.Path(tempfile.mkdtemp(dir=folder))
    folder.chmod(0o755)
    with contextlib.ExitStack() as stack:
        env = {"XDG_RUNTIME_DIR": str(folder)}
        for name, text, socket_name in SHARED:
            path = folder / socket_name
            stack.enter_context(listening_unix(path))
            env[name] = text.format(path)
        yield folder, env


@pytest.mark.parametrize("name, _, place", SHARED, ids=[case[0] for case in SHARED])
def test_share_keeps_a_variable_and_its_socket_and_no_other(run_any, services, name, _, place):
    folder, env = services
    command = (PYTHON, "-c", ASK, name, folder / place)
    assert run_any(*command, env=env).stdout == "False False\n"
    shared = run_any(*command, flags=["--share", name], env=env)
    assert shared.stdout == "True True\n", shared.stderr
    other = next(case for case in SHARED if case[0] != name)
    command = (PYTHON, "-c", ASK, other[0], folder / other[2])
    assert run_any(*command, flags=["--share", name], env=env).stdout == "False False\n"


def test_the_runtime_folder_is_empty_whatever_comes_into_it_later(run_any, services):
    folder, env = services
    with run_any.start(
        command=shell('read line; ls -A "$XDG_RUNTIME_DIR"; echo end'), env=env,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process, listening_unix(folder / "later"):  # fmt: skip
        assert process.communicate("go\n", timeout=60)[0] == "end\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root puts a service there")
@pytest.mark.parametrize("place", ["/run/dbus", "/run/systemd", "/run/nscd", "/run/docker", "/tmp/.X11-unix"])
def test_a_folder_of_services_is_empty_whatever_comes_into_it_later(run_any, place):
    folder = pathlib.Path(place)
    if not folder.exists():
        pytest.skip("it is not there, so nothing is hidden")
    name = f"sealgate-test-{os.getpid()}"
    with run_any.start(
        command=shell(f"read line; ls -A {place}; echo end"), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process, listening_unix(folder / name):
        assert process.communicate("go\n", timeout=60)[0] == "end\n"
    (folder / name).unlink()


def test_a_folder_that_everybody_writes_to_is_no_runtime_folder(run_any):
    assert run_any("ls", "/tmp", env={"XDG_RUNTIME_DIR": "/tmp"}).stdout != ""


def test_share_keeps_a_path_that_no_variable_names(run_any, services):
    folder, env = services
    command = (PYTHON, "-c", ASK, "DOCKER_HOST", folder / "docker.sock")
    ran = run_any(*command, flags=["--share", folder / "docker.sock"], env=env)
    assert ran.stdout == "False True\n", ran.stderr


def test_all_flags_go_together(run_any, services, origin, authority):
    folder, env = services
    path = origin.on(lambda exchange: exchange.answer(body=b"all"))
    ran = run_any(
        *shell(f'echo $MINE; test -S "$SSH_AUTH_SOCK" && curl -sS -H "x-key: $KEY" https://api.test{path}'),
        flags=[
            "--secret", "KEY=env:API_KEY@api.test", "--allow", "other.test", "--env", "MINE=a=b",
            "--share", "SSH_AUTH_SOCK", "--share", "DISPLAY", "--learn",
        ],
        env={**env, "API_KEY": VALUE},
    )  # fmt: skip
    assert ran.stdout == "a=b\nall", ran.stderr
    assert origin.request(path).field("x-key") == VALUE
    assert '- "api.test"' in ran.stderr and VALUE not in ran.stderr


def listening_unix(path):
    import socket

    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    os.chmod(path, 0o777)
    return listener


# The command as if it ran directly.


@pytest.mark.parametrize("status", [0, 1, 7, 255])
def test_the_exit_status_is_the_commands(run, status):
    assert run(*shell(f"exit {status}")).returncode == status


def test_an_end_by_signal_is_128_and_its_number(run):
    assert run(*shell("kill -KILL $$")).returncode == 128 + signal.SIGKILL


def test_a_command_that_is_not_there_is_127(run):
    ran = run("/no/such/command")
    assert ran.returncode == 127
    assert "/no/such/command: No such file or directory" in ran.stderr


def test_a_command_that_cannot_be_run_is_126(run):
    assert run("/etc/passwd").returncode == 126


def test_streams_pass_through_untouched(run):
    data = "".join(chr(32 + i % 90) for i in range(200_000))
    ran = run("/bin/sh", "-c", "cat; echo error >&2", input=data, flags=["--allow", "api.test"])
    assert (ran.stdout, ran.stderr) == (data, "error\n")


def test_the_working_folder_mask_and_limits_are_the_callers(run):
    ran = run(*shell("pwd; umask; ulimit -Sc; ulimit -Sn"), flags=["--allow", "api.test"])
    direct = subprocess.run(
        shell("pwd; umask; ulimit -Sc; ulimit -Sn"), cwd="/", capture_output=True, text=True
    )
    assert ran.stdout == direct.stdout


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1])
def test_a_signal_reaches_the_command_once(run_any, number):
    name = signal.Signals(number).name.removeprefix("SIG")
    program = f"trap 'echo got' {name}; echo up; while :; do sleep 0.05; done"
    with run_any.start(command=shell(program), stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == "up\n"
        if run_any.user == "nobody":
            os.kill(process.pid, number)
        else:
            process.send_signal(number)
        assert process.stdout.readline() == "got\n"
        process.kill()


def test_its_group_hears_a_signal_once(run_any):
    program = "trap 'echo got' TERM; echo up; i=0; while [ $i -lt 20 ]; do sleep 0.05; i=$((i+1)); done"
    process = run_any.start(command=shell(program), stdout=subprocess.PIPE, start_new_session=True)
    with process:
        assert process.stdout.readline() == "up\n"
        os.killpg(process.pid, signal.SIGTERM)
        assert process.stdout.read() == "got\n"


def test_an_end_by_a_signal_to_us_is_the_commands_end(run_any):
    with run_any.start(command=shell("echo up; exec sleep 60"), stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == "up\n"
        process.terminate()
        assert process.wait(30) == 128 + signal.SIGTERM


def test_the_process_tree_ends_with_us(run_any, tmp_path):
    mark = f"86{os.getpid()}"  # a time to sleep that nobody else sleeps
    with run_any.start(
        command=shell(f"sleep {mark} & echo up; wait"), stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == "up\n"
        process.kill()
    until(lambda: mark not in processes(), "the command is gone")


def processes():
    return subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout


def test_a_terminal_has_job_control(run_any):
    program = [PYTHON, str(PROGRAMS / "terminal.py"), *run_any.command(command=[PYTHON])]
    ran = subprocess.run(
        program, env=environment(HOME="/"), capture_output=True, text=True, timeout=120, cwd="/"
    )
    assert json.loads(ran.stdout) == {
        "size": "40x100",
        "resized": "50x120",
        "stopped": True,
        "continued": True,
        "interrupted": 130,
    }, ran.stderr


# What it leaves behind, and when it cannot.


def test_nothing_is_written(run_any):
    run_any("true")
    assert not run_any.data_dir.exists()


def test_without_isolation_the_variables_alone_lead_to_the_proxy(run_any, origin):
    path = origin.on(lambda exchange: exchange.answer(body=b"by variables"))
    ran = run_any(
        *curl(f"https://api.test{path}"), flags=["--no-isolate", "--allow", "api.test"]
    )
    assert ran.stdout == "by variables", ran.stderr
    assert "not isolated" in ran.stderr


def test_without_isolation_a_runtime_folder_of_somebody_else_is_no_obstacle(run_any, folder):
    closed = folder / "closed"
    closed.mkdir(mode=0o500, exist_ok=True)
    env = {"XDG_RUNTIME_DIR": str(closed), "TMPDIR": str(folder / "none")}
    ran = run_any(*shell('echo "$SSL_CERT_FILE"'), flags=["--no-isolate"], env=env)
    assert (ran.returncode, ran.stdout[:16]) == (0, "/tmp/sealgate-ca"), ran.stderr


def limited(run, limit, *flags, command="true"):
    """With a limit of the shell's, or a descriptor that it closes."""
    line = [str(word) for word in run.command(*flags, command=[command, "hello"])]
    start = line.index(str(BINARY))
    return subprocess.run(
        [*line[:start], "sh", "-c", limit.format('exec "$@"'), "sh", *line[start:]],
        env=environment(HOME="/", ASAN_OPTIONS="detect_leaks=0"),
        capture_output=True,
        text=True,
        timeout=60,
        cwd="/",
    )


@pytest.mark.skipif(USERS[-1] != "nobody", reason="no limit on processes holds for root")
@pytest.mark.parametrize(
    "limit, flags, said",
    [
        ("-n 4", [], "ulimit -n"),  # nothing can be opened
        ("-n 4", ["--no-isolate"], "ulimit -n"),
        ("-n 20", [], "ulimit -n"),  # the sockets of its network do not fit
        ("-p 1", ["--no-isolate"], "ulimit -u"),
        ("-p 1", [], "ulimit -u"),
        ("-f 0", [], "ulimit -f"),
        ("-f 0", ["--no-isolate"], "ulimit -f"),
    ],
)
def test_a_limit_that_is_too_low_is_named(run_any, limit, flags, said):
    ran = limited(run_any, f"ulimit {limit}; {{}}", *flags)
    assert ran.returncode == 1, ran.stderr
    assert said in ran.stderr


@pytest.mark.parametrize("flags", [[], ["--no-isolate"]], ids=["isolated", "not-isolated"])
@pytest.mark.parametrize("closed", ["2>&-", "0<&- 2>&-"])
def test_closed_standard_streams_are_no_obstacle(run_any, flags, closed):
    ran = limited(run_any, f"{{}} {closed}", *flags, command="echo")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "hello\n", "")


@pytest.mark.skipif(USERS[-1] != "nobody", reason="only root mounts a disk")
def test_a_full_disk_is_named(run_any, folder):
    disk = folder / "full"
    disk.mkdir()
    fill = f"mount -t tmpfs -o size=4k,mode=1777 full {disk}; head -c 4096 /dev/zero >{disk}/all;"
    line = run_any.command("--no-isolate", command=["true"])
    ran = subprocess.run(
        ["unshare", "-m", "sh", "-c", fill + 'exec "$@"', "sh", *line],
        env=environment(HOME="/", TMPDIR=str(disk)),
        capture_output=True,
        text=True,
        timeout=60,
        cwd="/",
    )
    assert ran.returncode == 1
    assert "No space left on device" in ran.stderr and "set TMPDIR" in ran.stderr


def test_where_namespaces_are_forbidden_it_says_so(run_any):
    """A namespace whose limit on further ones is 0."""
    limit = "echo 0 > /proc/sys/user/max_user_namespaces; "
    command = " ".join([limit, str(BINARY), "run", "--", "true"])
    ran = subprocess.run(
        ["unshare", "-Ur", "sh", "-c", command],
        env=environment(HOME="/"),
        capture_output=True,
        text=True,
        timeout=60,
        cwd="/",
    )
    assert ran.returncode == 1
    assert "user.max_user_namespaces is 0" in ran.stderr
    assert "--no-isolate" in ran.stderr


@pytest.mark.parametrize(
    "flags, complaint",
    [
        (["--allow", "*.com"], "no host that can be allowed"),
        (["--secret", "KEY"], "--secret is NAME=SOURCE"),
        (["--secret", "1=env:HOME"], "a name is letters"),
        (["--secret", "KEY=plain-value"], "needs a source"),
        (["--secret", "KEY=env:NOT_SET"], "is not set"),
        (["--secret", "KEY=file:/no/such"], "cannot be read"),
        (["--secret", "KEY=env:HOME@"], "needs a host"),
        (["--env", "X"], "--env is NAME=VALUE"),
        (["--allow", ""], "--allow needs a value"),
        (["--passthrough", "*.com"], "no host that can be allowed"),
        (["--private", "*.test"], "no single host"),
        (["--private", "db.test:5432"], "no single host"),
        (["--passthrough", "*", "--secret", "KEY=env:HOME@api.test"], "unopened"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(run_any, flags, complaint):
    ran = run_any("true", flags=flags)
    assert ran.returncode == 2
    assert complaint in ran.stderr
    assert "plain-value" not in ran.stderr


def test_it_starts_quickly(run_any):
    """Not a measurement, which bench/ is for: only that no wait of seconds has crept in."""
    started = time.monotonic()
    run_any("true")
    assert time.monotonic() - started < 20


def test_without_its_keys_the_run_ends_and_says_so(run_any):
    """They are in one process's memory: there is nothing to go on with."""
    with run_any.start(
        command=shell("echo up; exec sleep 60"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == "up\n"
        [keyholder] = [pid for pid in children_of(process.pid) if "keyholder" in title_of(pid)]
        os.kill(keyholder, signal.SIGKILL)
        assert process.wait(30) == 1
        assert "a process of the proxy has failed" in process.stderr.read()


def title_of(pid):
    return pathlib.Path(f"/proc/{pid}/cmdline").read_text(errors="replace")


def test_a_worker_that_dies_is_replaced_and_the_command_goes_on(run_any, origin):
    path = origin.on(lambda exchange: exchange.answer(body=b"again"))
    program = f"echo up; read line; exec {' '.join(bare_curl(f'https://api.test{path}'))}"
    with run_any.start(
        "--allow",
        "api.test",
        command=shell(program),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout.readline() == "up\n"
        [worker] = [pid for pid in children_of(process.pid) if "worker" in title_of(pid)]
        os.kill(worker, signal.SIGKILL)
        output, _ = process.communicate("go\n", timeout=60)
    assert output == "again"


def test_where_only_a_part_is_missing_it_says_what_is_weaker(run_any):
    """A container that masks something in /proc may not mount it anew."""
    mask = "mount -t tmpfs none /proc/acpi || exit 77; "
    command = " ".join([mask, str(BINARY), "run", "--allow", "api.test", "--", "echo", "went on"])
    ran = subprocess.run(
        ["unshare", "-Urm", "sh", "-c", command],
        env=environment(HOME="/"),
        capture_output=True,
        text=True,
        timeout=60,
        cwd="/",
    )
    if ran.returncode == 77:
        pytest.skip("this kernel has no /proc/acpi to mask")
    assert (ran.returncode, ran.stdout) == (0, "went on\n")
    assert "the list of the machine's processes" in ran.stderr
