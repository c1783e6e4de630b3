# SPDX-License-Identifier: Apache-2.0
"""Medians of the repeats, as a table for people and as JSON for machines."""

import statistics

YARDSTICKS = ("nginx", "haproxy")


def medians(runs):
    """[{figure: number}, …] to {figure: median}."""
    names = {name for run in runs for name in run}
    return {
        name: statistics.median(run[name] for run in runs if run.get(name) is not None)
        for name in names
        if any(run.get(name) is not None for run in runs)
    }


def _number(value, digits=1):
    return "–" if value is None else f"{value:.{digits}f}"


def _row(*cells):
    return "| " + " | ".join(cells) + " |"


def _ratio(value, other):
    return "–" if not value or not other else f"{value / other:.2f}"


def _cpu_table(results):
    yield _row("proxy", "CPU", "worker alone", "all processes", "× nginx", "× HAProxy", "system calls", "per second", "p50 µs", "p99 µs", "client resumed")
    yield "|---" * 11 + "|"
    for name, figures in results.items():
        ratios = (_ratio(figures["cpu"], results.get(y, {}).get("cpu")) for y in YARDSTICKS)
        resumed = figures.get("resumed")
        yield _row(
            name,
            _number(figures["cpu"], 2),
            _number(figures["worker_cpu"], 2),
            _number(figures["all_cpu"], 2),
            *ratios,
            _number(figures.get("system_calls")),
            _number(figures["per_second"], 0),
            _number(figures.get("p50"), 0),
            _number(figures.get("p99"), 0),
            "–" if resumed is None else f"{100 * resumed:.0f} %",
        )


def _latency_table(results):
    direct = results.get("direct", {})
    yield _row("proxy", "p50", "p99", "max", "added p50", "added p99")
    yield "|---" * 6 + "|"
    for name, figures in results.items():
        added = (
            _number(figures[q] - direct[q]) if name != "direct" and q in direct else "–"
            for q in ("p50", "p99")
        )
        yield _row(name, *(_number(figures[q]) for q in ("p50", "p99", "max")), *added)


def _memory_table(results):
    yield _row("proxy", "KiB", "× nginx", "× HAProxy", "sockets per connection", "MiB before")
    yield "|---" * 6 + "|"
    for name, figures in results.items():
        ratios = (_ratio(figures["kib"], results.get(y, {}).get("kib")) for y in YARDSTICKS)
        yield _row(
            name,
            _number(figures["kib"]),
            *ratios,
            _number(figures["sockets"], 2),
            _number(figures["base_kib"] / 1024),
        )


def markdown(scenario, results):
    first = next(iter(results.values()))
    table = _memory_table if "kib" in first else _cpu_table if "cpu" in first else _latency_table
    return "\n".join([f"### {scenario.title} ({scenario.unit})", "", *table(results), ""])
