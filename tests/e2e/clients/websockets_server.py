# SPDX-License-Identifier: Apache-2.0
"""An origin on the package websockets, which says everything again: in as many frames as pieces of
1 MB, and logs a digest of each: websockets_server.py PORT CERTIFICATE KEY"""

import asyncio
import hashlib
import ssl
import sys

import websockets


async def echo(link, *_):
    async for message in link:
        data = message.encode() if isinstance(message, str) else message
        print(hashlib.sha256(data).hexdigest(), len(data), flush=True)
        if len(message) > 2:
            await link.send([message[at : at + 1_000_000] for at in range(0, len(message), 1_000_000)])
        else:
            await link.send(message)


async def main(port, certificate, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    async with websockets.serve(echo, "127.0.0.1", int(port), ssl=context, max_size=None):
        await asyncio.Future()


asyncio.run(main(*sys.argv[1:]))
