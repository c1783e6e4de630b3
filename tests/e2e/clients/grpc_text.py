# SPDX-License-Identifier: Apache-2.0
"""The one message of echo.proto: a string, in protobuf's coding."""


def encode(text):
    data = text.encode()
    size, length = len(data), b""
    while size > 127:
        length += bytes([size & 127 | 128])
        size >>= 7
    return b"\x0a" + length + bytes([size]) + data if data else b""


def decode(data):
    if not data:
        return ""
    at = 1
    while data[at] & 128:
        at += 1
    return data[at + 1 :].decode()
