"""Runs one statement with DuckDB on Parquet files and tells what it took.

Reads what to do as JSON from standard input and writes the answer as JSON to standard output.
"""

import json
import resource
import sys
import time

import duckdb


def processor_time():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def peak_memory():
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))


task = json.load(sys.stdin)
settings = {"threads": task["threads"], "temp_directory": task["spill"]}
if task["memory"] is not None:
    settings["memory_limit"] = f"{task['memory']}B"
connection = duckdb.connect(config=settings)
# It would be printed among the answer.
connection.execute("set enable_progress_bar = false")
for table, files in task["tables"].items():
    connection.read_parquet(files).create_view(table)

cpu, wall = processor_time(), time.perf_counter_ns()
row = connection.execute(task["sql"]).fetchone()
wall, cpu = time.perf_counter_ns() - wall, processor_time() - cpu
json.dump(
    {
        "answer": [str(value) for value in row],
        "time": {"wall": wall, "cpu": round(cpu * 1e9)},
        "memory_peak": peak_memory(),
        "spilled": 0,
    },
    sys.stdout,
)
