# SPDX-License-Identifier: Apache-2.0
"""Includes point only along the arrows of the map in ARCHITECTURE.md."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
WITH_CODE = re.compile(r"^(?:src/)?(\w+)/ ")


def arrows():
    """{folder: what it may include}: each line of the map names a folder, its end what that needs."""
    text = (ROOT / "ARCHITECTURE.md").read_text()
    lines = text.split("```")[1].replace("\n    ", " ").strip().splitlines()
    entries = {WITH_CODE.match(line)[1]: line.partition("→")[2] for line in lines if "→" in line}
    allowed = {name: {"base"} | (set(re.findall(r"\w+", needs)) & set(entries)) for name, needs in entries.items()}
    for name, needs in entries.items():
        if "everything above" in needs:
            allowed[name] |= set(list(entries)[: list(entries).index(name)])
    return allowed


def folder_of(path):
    parts = path.relative_to(ROOT).parts
    return parts[1] if parts[0] == "src" else parts[0]


def wrong_includes(allowed):
    for path in sorted(ROOT.glob("src/**/*.[ch]")) + sorted(ROOT.glob("policy/*.[ch]")) + sorted(ROOT.glob("ca/*.[ch]")):
        folder = folder_of(path)
        for included in re.findall(r'#include "(\w+)/', path.read_text()):
            if included != folder and included not in allowed.get(folder, ()):
                yield f"{path.relative_to(ROOT)} includes {included}/"


def main():
    allowed = arrows()
    folders = {path.name for path in (ROOT / "src").iterdir() if path.is_dir()} | {"policy", "ca"}
    wrong = [f"ARCHITECTURE.md has no line for {name}/" for name in sorted(folders - set(allowed))]
    wrong += wrong_includes(allowed)
    print("\n".join(wrong))
    return 1 if wrong else 0


sys.exit(main())
