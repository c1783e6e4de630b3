# SPDX-License-Identifier: Apache-2.0
"""aiohttp, which finds the proxy in the environment: aiohttp_client.py URL..."""

import asyncio
import os
import ssl
import sys

import aiohttp


async def fetch(session, url):
    async with session.get(url) as answer:
        answer.raise_for_status()
        return await answer.text()


async def main():
    roots = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
    headers = {"Authorization": f"Bearer {os.environ['API_KEY']}"}
    connector = aiohttp.TCPConnector(ssl=roots)
    async with aiohttp.ClientSession(trust_env=True, headers=headers, connector=connector) as session:
        for text in await asyncio.gather(*(fetch(session, url) for url in sys.argv[1:])):
            print(text)


asyncio.run(main())
