# SPDX-License-Identifier: Apache-2.0
"""Looks for values of secrets wherever none may ever be."""

import base64
import json
import urllib.parse

SHORTEST = 8  # shorter ones occur by chance


def forms(value):
    """How a value could stand in a file: raw, base64 at each alignment, hex, percent, JSON."""
    raw = value.encode()
    found = {raw, raw.hex().encode(), raw.hex().upper().encode()}
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + raw)
        inner = coded[(shift * 8 + 5) // 6 :].rstrip(b"=")
        inner = inner[: (len(raw) * 8 - (-shift * 8) % 6) // 6]
        found.update((inner, inner.replace(b"+", b"-").replace(b"/", b"_")))
    found.add(urllib.parse.quote(value, safe="").encode())
    found.add("".join(f"%{byte:02x}" for byte in raw).encode())
    found.add(json.dumps(value)[1:-1].encode())
    return {form for form in found if len(form) >= SHORTEST}


class Canaries:
    def __init__(self):
        self.values = set()

    def add(self, value):
        if len(value) >= SHORTEST:
            self.values.add(value)
        return value

    def hits(self, places):
        """(place, value) for every value found; `places` yields (place, bytes)."""
        wanted = [(value, form) for value in self.values for form in forms(value)]
        return [
            (place, value)
            for place, data in places
            for value, form in wanted
            if form in data
        ]
