# SPDX-License-Identifier: Apache-2.0
"""echo.proto on grpcio: grpc_server.py PORT CERTIFICATE KEY"""

import concurrent.futures
import pathlib
import sys
import threading

import grpc
from grpc_text import decode, encode


def say(*words):
    print(*words, flush=True)


def unary(text, context):
    credentials = dict(context.invocation_metadata()).get("authorization", "")
    say("authorization", credentials)
    context.send_initial_metadata([("x-first", "early")])
    context.set_trailing_metadata([("x-last", "late"), ("x-some-bin", b"\0\xff")])
    if text == "fail":
        context.abort(grpc.StatusCode.NOT_FOUND, "no such thing: 100 % é")
    if text == "wait":
        gone = threading.Event()
        context.add_callback(gone.set)
        gone.wait()
        say("cancelled")
    return credentials if text == "who" else text.upper()


def collect(texts, context):
    return ",".join(texts)


def count(text, context):
    for number in range(int(text)):
        yield f"{number}"


def chat(texts, context):
    for text in texts:
        yield text.upper()


def main():
    port, certificate, key = sys.argv[1:]
    coded = {"request_deserializer": decode, "response_serializer": encode}
    handlers = {
        "Unary": grpc.unary_unary_rpc_method_handler(unary, **coded),
        "Collect": grpc.stream_unary_rpc_method_handler(collect, **coded),
        "Count": grpc.unary_stream_rpc_method_handler(count, **coded),
        "Chat": grpc.stream_stream_rpc_method_handler(chat, **coded),
    }
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(16))
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("test.Echo", handlers)])
    pair = [pathlib.Path(name).read_bytes() for name in (key, certificate)]
    server.add_secure_port(f"127.0.0.1:{port}", grpc.ssl_server_credentials([pair]))
    server.start()
    server.wait_for_termination()


main()
