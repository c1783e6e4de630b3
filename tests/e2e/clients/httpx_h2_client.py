# SPDX-License-Identifier: Apache-2.0
"""httpx with HTTP/2, which finds the proxy in the environment: httpx_h2_client.py URL"""

import os
import sys

import httpx

with httpx.Client(http2=True, verify=os.environ["SSL_CERT_FILE"]) as client:
    answer = client.get(sys.argv[1], headers={"Authorization": f"Bearer {os.environ['API_KEY']}"})
    print(answer.http_version, answer.status_code, answer.text)
