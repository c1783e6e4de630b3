# SPDX-License-Identifier: Apache-2.0
"""Every kind of call of echo.proto with grpcio, told as JSON: grpc_client.py HOST"""

import json
import os
import queue
import sys

import grpc
from grpc_text import decode, encode

LONG = "x" * 300_000
channel = grpc.secure_channel(f"{sys.argv[1]}:443", grpc.ssl_channel_credentials())
coded = {"request_serializer": encode, "response_deserializer": decode}
unary = channel.unary_unary("/test.Echo/Unary", **coded)
collect = channel.stream_unary("/test.Echo/Collect", **coded)
count = channel.unary_stream("/test.Echo/Count", **coded)
chat = channel.stream_stream("/test.Echo/Chat", **coded)
metadata = [("authorization", f"Bearer {os.environ['API_KEY']}")]


def failure(call, *arguments, **options):
    try:
        call(*arguments, **options)
    except grpc.RpcError as error:
        return error
    return None


def talk(words):
    """Says the next word when the last was answered."""
    said, heard = queue.SimpleQueue(), []
    answers = chat(iter(said.get, None))
    for word in words:
        said.put(word)
        heard.append(next(answers))
    said.put(None)
    assert list(answers) == []
    return heard


def cancelled():
    call = unary.future("wait", metadata=metadata)
    call.cancel()
    return call.code().name if call.cancelled() else None


answer, call = unary.with_call("hello", metadata=metadata)
failed = failure(unary, "fail", metadata=metadata)
late = failure(unary, "wait", metadata=metadata, timeout=1.5)
out = {
    "unary": answer,
    "first": dict(call.initial_metadata()).get("x-first"),
    "last": dict(call.trailing_metadata()).get("x-last"),
    "binary": dict(call.trailing_metadata()).get("x-some-bin").hex(),
    "who": unary("who", metadata=metadata),
    "long": unary(LONG) == LONG.upper(),
    "collect": collect(iter(["a", "b", "c"])),
    "count": list(count("50")),
    "chat": talk(["one", "two", "three"]),
    "failed": [failed.code().name, failed.details(), dict(failed.trailing_metadata()).get("x-last")],
    "late": late.code().name,
    "cancelled": cancelled(),
    "after": unary("still there"),
}
print(json.dumps(out))
