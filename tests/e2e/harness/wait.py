# SPDX-License-Identifier: Apache-2.0
"""Waiting for conditions. Nothing here measures time: limits are only there to end a broken run."""

import time

GENEROUS = 60


def until(condition, what, limit=GENEROUS):
    """The first true value of condition(); AssertionError naming `what` when there is none."""
    end = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"gave up waiting until {what}"
        time.sleep(0.02)
