# SPDX-License-Identifier: Apache-2.0
"""What real clients talk to: a git host, and the APIs of two model vendors."""

import base64
import json
import os
import subprocess


def git_host(root, password):
    """A script that serves the repositories under `root` to whoever knows the password."""

    def serve(exchange):
        request = exchange.request
        if _password_of(request) != password:
            challenge = [("WWW-Authenticate", 'Basic realm="git"')]
            return exchange.answer(401, challenge, b"who are you?\n", "Unauthorized")
        _run_backend(exchange, root)

    return serve


def _password_of(request):
    scheme, _, coded = (request.field("authorization") or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    return base64.b64decode(coded).decode().partition(":")[2]


def _run_backend(exchange, root):
    request = exchange.request
    path, _, query = request.target.partition("?")
    environment = {
        "PATH": os.environ["PATH"],
        "GIT_PROJECT_ROOT": str(root),
        "GIT_HTTP_EXPORT_ALL": "1",
        "REMOTE_USER": "sandbox",
        "REQUEST_METHOD": request.method,
        "PATH_INFO": "/" + path.split("/", 2)[2],
        "QUERY_STRING": query,
        "CONTENT_TYPE": request.field("content-type") or "",
        "HTTP_CONTENT_ENCODING": request.field("content-encoding") or "",
        "GIT_PROTOCOL": request.field("git-protocol") or "",
        "HOME": str(root),
    }
    body = exchange.read_body()
    environment["CONTENT_LENGTH"] = str(len(body))
    ran = subprocess.run(
        ["git", "http-backend"], input=body, env=environment, capture_output=True, check=True
    )
    head, _, out = ran.stdout.partition(b"\r\n\r\n")
    fields = [tuple(line.split(": ", 1)) for line in head.decode().split("\r\n")]
    status = next((value for name, value in fields if name == "Status"), "200 OK")
    fields = [field for field in fields if field[0] != "Status"]
    code, _, reason = status.partition(" ")
    exchange.answer(int(code), fields, out, reason)


def _stream(exchange, events):
    """Server-sent events, one chunk each."""
    pieces = []
    for name, data in events:
        text = data if isinstance(data, str) else json.dumps(data)
        head = f"event: {name}\n" if name else ""
        pieces.append(f"{head}data: {text}\n\n".encode())
    exchange.answer_chunked(pieces, [("Content-Type", "text/event-stream")])


def _json(exchange, status, value):
    fields = [("Content-Type", "application/json")]
    exchange.answer(status, fields, json.dumps(value).encode(), "OK" if status == 200 else "No")


def openai_host(key, words):
    """Chat completions, whole or streamed, for whoever has the key."""

    def serve(exchange):
        asked = json.loads(exchange.read_body())
        if exchange.request.field("authorization") != f"Bearer {key}":
            return _json(exchange, 401, {"error": {"message": "wrong key", "type": "auth"}})
        base = {"id": "c1", "created": 1, "model": asked["model"]}
        if not asked.get("stream"):
            message = {"role": "assistant", "content": " ".join(words)}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            return _json(exchange, 200, {**base, "object": "chat.completion", "choices": [choice]})
        chunk = {**base, "object": "chat.completion.chunk"}
        events = [
            (None, {**chunk, "choices": [{"index": 0, "delta": {"content": word + " "}}]})
            for word in words
        ]
        return _stream(exchange, [*events, (None, "[DONE]")])

    return serve


def anthropic_host(key, words):
    """Messages, whole or streamed, for whoever has the key."""

    def serve(exchange):
        asked = json.loads(exchange.read_body())
        if exchange.request.field("x-api-key") != key:
            error = {"type": "authentication_error", "message": "wrong key"}
            return _json(exchange, 401, {"type": "error", "error": error})
        message = {
            "id": "m1",
            "type": "message",
            "role": "assistant",
            "model": asked["model"],
            "stop_reason": "end_turn",
            "usage": {"input_tokens": 1, "output_tokens": len(words)},
        }
        if not asked.get("stream"):
            content = [{"type": "text", "text": " ".join(words)}]
            return _json(exchange, 200, {**message, "content": content})
        return _stream(exchange, _anthropic_events(message, words))

    return serve


def _anthropic_events(message, words):
    yield "message_start", {
        "type": "message_start",
        "message": {**message, "content": [], "stop_reason": None},
    }
    yield "content_block_start", {
        "type": "content_block_start",
        "index": 0,
        "content_block": {"type": "text", "text": ""},
    }
    for word in words:
        delta = {"type": "text_delta", "text": word + " "}
        yield "content_block_delta", {"type": "content_block_delta", "index": 0, "delta": delta}
    yield "content_block_stop", {"type": "content_block_stop", "index": 0}
    end = {"stop_reason": "end_turn"}
    yield "message_delta", {"type": "message_delta", "delta": end, "usage": {"output_tokens": 1}}
    yield "message_stop", {"type": "message_stop"}
