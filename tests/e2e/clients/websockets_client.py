# SPDX-License-Identifier: Apache-2.0
"""The package websockets, through a tunnel of its own making: websockets_client.py URL < MESSAGES

MESSAGES is a JSON list: a string is a message, a list of strings one in so many frames, a number one
of so many bytes with tokens in it. Prints what comes back, as JSON; of a long one whether it is what
was sent."""

import asyncio
import base64
import json
import os
import socket
import ssl
import sys
import urllib.parse

import websockets


def tunnel(host, port):
    proxy = urllib.parse.urlsplit(os.environ["HTTPS_PROXY"])
    credentials = base64.b64encode(f"{proxy.username}:{proxy.password}".encode()).decode()
    sock = socket.create_connection((proxy.hostname, proxy.port))
    head = f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n"
    sock.sendall(f"{head}Proxy-Authorization: Basic {credentials}\r\n\r\n".encode())
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        answer += sock.recv(1)
    assert answer.startswith(b"HTTP/1.1 200 "), answer
    return sock


def long_text(size):
    line = f"{os.environ['API_KEY']} and some text around it, é included.\n"
    return (line * (size // len(line) + 1))[:size]


async def talk(link, message):
    if isinstance(message, int):
        message = long_text(message)
        await link.send(message)
        return await link.recv() == message
    await link.send(message)
    return await link.recv()


async def main(url):
    host = urllib.parse.urlsplit(url).hostname
    roots = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
    sock = tunnel(host, 443)
    async with websockets.connect(url, sock=sock, ssl=roots, server_hostname=host, max_size=None) as link:
        print(json.dumps([await talk(link, message) for message in json.load(sys.stdin)]))


asyncio.run(main(sys.argv[1]))
