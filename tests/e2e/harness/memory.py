# SPDX-License-Identifier: Apache-2.0
"""What processes hold in memory. Needs the right to trace them: root's."""

import mmap

LARGEST = 64 << 20  # what is larger is a sanitizer's shadow, or address space nobody touched


def may_look(pid):
    try:
        with open(f"/proc/{pid}/mem", "rb"):
            return True
    except OSError:
        return False


def _regions(pid):
    with open(f"/proc/{pid}/maps") as maps:
        for line in maps:
            span, rights, _, _, _, *name = line.split()
            start, end = (int(text, 16) for text in span.split("-"))
            if end - start <= LARGEST and rights[0] == "r" and name[:1] not in (["[vvar]"], ["[vsyscall]"]):
                yield start, end


def _pieces(pid):
    with open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for start, end in _regions(pid):
            try:
                memory.seek(start)
                yield memory.read(end - start)
            except (OSError, ValueError):
                continue  # a guard page, or gone meanwhile


def parts(text):
    """Pieces of a value that give it away even where its ends were overwritten."""
    raw = text.encode() if isinstance(text, str) else text
    size = min(len(raw), 24)
    return [raw[at : at + size] for at in range(0, len(raw) - size + 1, mmap.PAGESIZE // 4)]


def holders(pids, wanted):
    """{name: {roles}} of those that hold any part; `pids` maps roles to processes."""
    needles = {name: parts(text) for name, text in wanted.items()}
    found = {name: set() for name in wanted}
    for role, numbers in pids.items():
        for pid in numbers:
            for piece in _pieces(pid):
                for name, needle in needles.items():
                    if any(part in piece for part in needle):
                        found[name].add(role)
    return found
