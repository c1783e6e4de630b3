# SPDX-License-Identifier: Apache-2.0
"""The command line: a whole tour over the local socket, its help, and its exit status."""

import json
import os
import pathlib
import subprocess

import pytest

from harness.api import unique, value
from harness.proxy import BINARY, ROOT, environment


def tour(proxy, **how):
    """Every command that a person uses from the first store to the end; gives what was printed."""
    text, suffix = proxy.canaries.add(value("cli")), unique()
    store = f"store-{suffix}"
    cli = lambda *words, **more: proxy.cli(*words, **{**how, **more}).stdout.decode()
    out = {}
    cli("store", "create", store, "--allow", "api.test", "--allow", "*.example.test")
    out["stores"] = cli("store", "list")
    out["store"] = cli("store", "show", store)
    cli("secret", "set", store, "API_KEY", "--hosts", "api.test", input=text)
    out["secrets"] = cli("secret", "list", store)
    sandbox = json.loads(cli("sandbox", "create", "--store", store, "--env", "MODE=x y", "--json"))
    name = sandbox["sandboxID"]
    out["env"] = cli("sandbox", "env", name)
    out["sandboxes"] = cli("sandbox", "list")
    out["sandbox"] = cli("sandbox", "show", name)
    out["hosts"] = cli("allowed-hosts", name)
    out["allowed"] = cli("explain", name, "https://api.test/", "--secret", "API_KEY")
    refused = proxy.cli("explain", name, "https://evil.test/", check=False, **how)
    out["refused"], out["refused status"] = refused.stdout.decode(), refused.returncode
    out["sealed"] = cli("seal", "--store", store, "--name", "API_KEY", input=text)
    out["ca"] = cli("ca", "show") + cli("ca", "export")
    out["keys"] = cli("keys", "show", store)
    out["audit"] = cli("audit", "tail")
    out["orgs"] = cli("org", "list")
    cli("store", "update", store, "--allow", "api.test")
    cli("secret", "delete", store, "API_KEY")
    cli("sandbox", "delete", name)
    cli("store", "delete", store)
    cli("version")
    return store, name, text, out


def check_tour(store, name, text, out):
    assert store in out["stores"] and "*.example.test" in out["store"]
    assert "API_KEY" in out["secrets"] and "api.test" in out["secrets"]
    assert "export MODE='x y'" in out["env"] and "osb_sealed_" in out["env"]
    assert name in out["sandboxes"] and name in out["sandbox"]
    assert "api.test" in out["hosts"] and "API_KEY" in out["hosts"]
    assert out["allowed"].startswith("allowed") and out["refused"].startswith("blocked")
    assert "host_not_allowed" in out["refused"] and out["refused status"] == 1
    assert "BEGIN CERTIFICATE" in out["ca"]
    assert text not in "".join(str(part) for part in out.values())


def test_a_tour_of_the_command_line(proxy):
    check_tour(*tour(proxy))


def test_the_environment_is_for_a_shell(proxy, keyed):
    script = proxy.cli("sandbox", "env", keyed.sandbox.id).stdout.decode()
    ran = subprocess.run(["sh", "-c", script + "env"], capture_output=True, check=True)
    seen = dict(line.split("=", 1) for line in ran.stdout.decode().splitlines() if "=" in line)
    assert {name: seen.get(name) for name in keyed.sandbox.envs} == keyed.sandbox.envs


def test_json_is_what_the_api_answers(proxy, api, keyed):
    assert proxy.cli_json("store", "show", keyed.store["name"]) == api.get(f"/api/secret-stores/{keyed.store['id']}")
    assert proxy.cli_json("allowed-hosts", keyed.sandbox.id) == keyed.sandbox.allowed_hosts()


def test_another_machine_is_reached_with_url_and_key(proxy, keyed):
    variables = {"SEALGATE_URL": proxy.url, "SEALGATE_API_KEY": proxy.api.key}
    compatible = {"OPENCOMPUTER_API_URL": proxy.url, "OPENCOMPUTER_API_KEY": proxy.api.key}
    for env in (variables, compatible):
        shown = subprocess.run(
            [BINARY, "store", "list"], env=environment(**env), capture_output=True, check=True
        )
        assert keyed.store["name"].encode() in shown.stdout
    wrong = environment(SEALGATE_URL=proxy.url, SEALGATE_API_KEY="sgk_wrong")
    ran = subprocess.run([BINARY, "store", "list"], env=wrong, capture_output=True)
    assert ran.returncode == 1 and b"key" in ran.stderr


def test_a_user_who_is_neither_root_nor_sealgates_is_refused_at_the_socket(proxy):
    if os.geteuid() != 0:
        pytest.skip("needs root to become somebody else")
    command = [BINARY, "store", "list", "--data-dir", str(proxy.data_dir)]
    ran = subprocess.run(command, env=environment(), capture_output=True, user=65534, group=65534, extra_groups=[])
    assert ran.returncode == 1


COMMANDS = [
    [], ["serve"], ["store"], ["store", "create"], ["store", "list"], ["store", "show"],
    ["store", "update"], ["store", "delete"], ["secret"], ["secret", "set"], ["secret", "list"],
    ["secret", "delete"], ["sandbox"], ["sandbox", "create"], ["sandbox", "list"], ["sandbox", "show"],
    ["sandbox", "env"], ["sandbox", "fork"], ["sandbox", "delete"], ["allowed-hosts"], ["explain"],
    ["seal"], ["ca"], ["ca", "show"], ["ca", "export"], ["ca", "rotate"], ["keys"], ["keys", "show"],
    ["keys", "rotate"], ["org"], ["org", "create"], ["org", "list"], ["api-key"], ["api-key", "create"],
    ["api-key", "list"], ["api-key", "revoke"], ["audit"], ["audit", "tail"], ["audit", "search"],
    ["check-config"], ["doctor"], ["version"],
]  # fmt: skip


def run(*words, **more):
    return subprocess.run([BINARY, *words], env=environment(), capture_output=True, timeout=120, **more)


@pytest.mark.parametrize("flag", ["--help", "-h"])
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_has_help(words, flag):
    ran = run(*words, flag)
    assert ran.returncode == 0 and not ran.stderr
    assert b"sealgate" in ran.stdout and len(ran.stdout) > 60


def test_what_needs_no_server_answers_in_json_too(tmp_path):
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text("workers: 2\n")
    bad.write_text("workers: 2\nbogus: 1\n")
    assert json.loads(run("version", "--json").stdout)["version"]
    assert json.loads(run("check-config", str(good), "--json").stdout) == {"valid": True, "warnings": 0}
    refused = json.loads(run("check-config", str(bad), "--json").stdout)
    assert (refused["valid"], refused["key"], refused["line"]) == (False, "bogus", 2)


def test_a_list_that_can_never_apply_is_a_warning(tmp_path):
    config = tmp_path / "sealgate.yaml"
    store = {"name": "s", "egress": ["a.test", "*.wild.test", "db.test:5432"]}
    unreached = {"passthroughHosts": ["b.test", "a.test:8443"], "privateHosts": ["c.test"]}
    reached = {"passthroughHosts": ["a.test", "x.wild.test", "*"], "privateHosts": ["db.test"]}
    for lists, expected in [(reached, []), (unreached, ["b.test", "a.test:8443", "c.test"])]:
        config.write_text(json.dumps({"stores": [{**store, **lists}]}))
        said = run("check-config", config).stderr.decode().splitlines()
        assert [line.split(" has ")[1].split(" in ")[0] for line in said] == expected
    config.write_text(json.dumps({"stores": [{"name": "s", **unreached}]}))  # nothing is restricted
    assert b"b.test" not in run("check-config", config).stderr


MISUSE = [
    [], ["nothing"], ["store"], ["store", "nothing"], ["store", "create"], ["store", "list", "--nothing"],
    ["store", "show", "a", "b"], ["explain", "sb-x"], ["check-config"], ["secret", "set", "x"],
]  # fmt: skip


@pytest.mark.parametrize("words", MISUSE, ids=" ".join)
def test_wrong_usage_ends_with_status_2(words):
    ran = run(*words)
    assert ran.returncode == 2 and ran.stderr and not ran.stdout


# What comes before is right; what is wrong is said, and nobody has been asked.
WRONG = [
    ("audit tail --lines", "x", "from 1 to 1000"),
    ("audit tail --lines", "0", "from 1 to 1000"),
    ("audit search --limit", "1001", "from 1 to 1000"),
    ("audit search --since", "yesterday", "how long ago"),
    ("audit search --decision", "maybe", "allowed or refused"),
    ("audit tail --code", "no_such_code", "code of a refusal"),
    ("store create s --allow", "*.com", "no host that can be allowed"),
    ("store create s --allow", "a.test, api.*", '"api.*"'),
    ("store update s --passthrough", "http://a.test", "no host that can be allowed"),
    ("store update s --private", "*.test", "no single host"),
    ("store create s --redact", "maybe", "yes or no"),
    ("secret set s KEY --hosts", "a b", "no host that can be allowed"),
    ("secret set s KEY --inject", "footer", "no place"),
    ("secret set s KEY --from-file /dev/null --value", "x", "exclude each other"),
    ("secret set s KEY --keep-value --value", "x", "no new value"),
    ("seal --store s --name KEY --hosts", "*.com", "no host that can be allowed"),
    ("seal --store s --name KEY --inject", "footer", "no place"),
    ("seal --store s --name KEY --from-file /dev/null --value", "x", "exclude each other"),
    ("seal --name", "KEY", "--store and --name"),
    ("sandbox create --env", "=x", "NAME=VALUE"),
    ("sandbox create --metadata", "x", "NAME=VALUE"),
    ("sandbox create --timeout", "soon", "number of seconds"),
    ("sandbox fork cp --timeout", "-1", "number of seconds"),
    ("sandbox timeout sb-x", "soon", "number, 0 for never"),
    ("explain sb-x", "a.test", "http://"),
    ("explain sb-x", "https://user@a.test/", "no user name"),
    ("store list --url", "localhost:3180", "http:// or https://"),
    ("run --secret", "", "--secret is NAME=SOURCE"),
    ("run --allow", "*.com", "no host that can be allowed"),
]


@pytest.mark.parametrize("words, wrong, said", WRONG)
def test_arguments_are_checked_before_anybody_is_asked(words, wrong, said):
    command, *rest = words.split()
    nobody = [] if "--url" in rest else ["--url", "http://127.0.0.1:1"]
    more = ["--", "true"] if command == "run" else []
    ran = run(command, *nobody, *rest, wrong, *more, stdin=subprocess.DEVNULL)
    assert (ran.returncode, ran.stdout) == (2, b""), ran.stderr
    assert said in ran.stderr.decode() and b"--help" in ran.stderr


def test_a_refused_command_ends_with_status_1_and_says_why(proxy):
    ran = proxy.cli("store", "show", "no-such-store", check=False)
    assert ran.returncode == 1 and b"no such" in ran.stderr and not ran.stdout


def test_without_a_server_it_says_where_it_looked(tmp_path):
    ran = run("store", "list", "--data-dir", tmp_path)
    assert ran.returncode == 1 and b"control.sock" in ran.stderr


def test_a_person_reads_that_a_sandbox_never_times_out(proxy, api):
    never, soon = api.sandbox(), api.sandbox(timeout=60)
    shown = [proxy.cli("sandbox", "show", sandbox.id).stdout.decode() for sandbox in (never, soon)]
    lines = [next(line for line in text.splitlines() if "idle timeout" in line) for text in shown]
    assert [line.split()[-1] for line in lines] == ["never", "60"]
    assert proxy.cli_json("sandbox", "show", never.id)["timeout"] == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_an_ordinary_user_learns_what_to_give_serve():
    """/var/lib belongs to root."""
    ran = run("serve", user=65534, group=65534, extra_groups=[], cwd="/")
    assert ran.returncode == 1
    assert b"/var/lib/sealgate" in ran.stderr and b"--data-dir ~/.local/share" in ran.stderr


def test_an_inline_value_is_taken_with_a_warning(proxy, keyed):
    text = proxy.canaries.add(value("inline"))
    ran = proxy.cli("secret", "set", keyed.store["name"], "INLINE", "--value", text)
    assert b"warning" in ran.stderr.lower() and text.encode() not in ran.stderr + ran.stdout


def test_a_value_is_read_from_a_file(proxy, origin, keyed, tmp_path):
    text = proxy.canaries.add(value("file"))
    (tmp_path / "value").write_text(text + "\n")
    proxy.cli("secret", "set", keyed.store["name"], "API_KEY", "--from-file", tmp_path / "value")
    path = origin.on(lambda exchange: exchange.answer(200))
    keyed.sandbox.fetch("api.test", path, [("X-Api-Key", keyed.token)])
    assert origin.request(path).field("x-api-key") == text


def test_doctor_says_what_it_looked_at(proxy):
    ran = proxy.cli("doctor", check=False)
    assert ran.returncode in (0, 1) and ran.stdout


@pytest.mark.valgrind
def test_the_command_line_is_clean_under_valgrind(own_proxy):
    """Client and server are the build without sanitizers: they do not go together."""
    binary = pathlib.Path(os.environ.get("SEALGATE_VALGRIND_BINARY", ROOT / "build/release/sealgate"))
    assert binary.exists(), f"{binary} is not there"
    valgrind = ["valgrind", "--quiet", "--leak-check=full", "--errors-for-leak-kinds=definite", "--error-exitcode=99"]
    check_tour(*tour(own_proxy(), binary=binary, wrapper=valgrind))
