# SPDX-License-Identifier: Apache-2.0
"""`sealgate run`, as root or as somebody without any privilege."""

import json
import os
import pathlib
import subprocess

from .proxy import BINARY, environment

NOBODY = 65534
_AS_NOBODY = [
    "setpriv",
    f"--reuid={NOBODY}",
    f"--regid={NOBODY}",
    "--clear-groups",
    "--inh-caps=-all",
    "--bounding-set=-all",
]
USERS = ["root", "nobody"] if os.geteuid() == 0 else ["self"]
PYTHON = "/usr/bin/python3"
PROGRAMS = pathlib.Path(__file__).resolve().parents[1] / "run"


class Runner:
    """`config` is what the configuration says beside its data directory."""

    def __init__(self, folder, config, user):
        self.user = user
        self.config = folder / "run.yaml"
        self.data_dir = folder / "never-made"
        self.config.write_text(json.dumps({"data_dir": str(self.data_dir), **config}))
        self.config.chmod(0o644)

    def command(self, *flags, command):
        wrapper = _AS_NOBODY if self.user == "nobody" else []
        return [*wrapper, str(BINARY), "run", "--config", str(self.config), *flags, "--", *command]

    def start(self, *flags, command, env=None, **options):
        return subprocess.Popen(
            self.command(*flags, command=command),
            env=environment(HOME="/", **(env or {})),
            cwd="/",
            text=True,
            **options,
        )

    def __call__(self, *command, flags=(), env=None, input=None):
        """Runs to the end: status, output, errors."""
        ran = subprocess.run(
            self.command(*flags, command=[str(word) for word in command]),
            env=environment(HOME="/", **(env or {})),
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            capture_output=True,
            text=True,
            cwd="/",
            timeout=120,
        )
        assert "Sanitizer" not in ran.stderr, ran.stderr
        return ran
