#!/usr/bin/env python3
"""Forecast quality on the development half of the labelled series, beside repeating the last season in the same run.

Figures are those of the shared scorer: MASE by the mean absolute one-day difference, 95 % intervals. Exits 1 when a floor is missed.
"""
import os
import re
import subprocess
import sys

SOURCE = os.environ["OPSMESH_SOURCE_DIR"]
DATA = os.path.join(SOURCE, "..", "shared", "data", "analytics")
PROGRAM = os.path.join(os.environ["OPSMESH_BIN_DIR"], "opsmesh_bench_forecast")
# What must hold on this half: error against repeating the last day, coverage, and processor time of the slowest forecast.
FLOORS = {"h1": (0.90, 0.90, 60), "m5": (0.92, 0.90, 80), "m4": (0.75, 0.92, 80)}


def figures(tag, *arguments):
    out = subprocess.run([PROGRAM, DATA, tag, *arguments], capture_output=True, text=True, check=True).stdout
    rows = {}
    for line in out.splitlines():
        found = re.match(r"(\w+) (\w+)\s+n\s+(\d+) MASE ([\d.]+) .*sMAPE ([\d.]+) cov95 ([\d.]+) MSIS ([\d.]+) CPU ms ([\d.]+) \(most ([\d.]+)\)", line)
        if found:
            rows[found[2]] = [float(value) for value in found.groups()[2:]]
    return rows


def main():
    if not os.path.isdir(DATA):
        print("SKIPPED: the labelled series are not here: " + DATA)
        return 0
    missed = 0
    print(f"{'set':4} {'model':16} {'n':>4} {'MASE':>6} {'sMAPE':>6} {'cov95':>6} {'MSIS':>6} {'ms':>6}")
    for tag, (ratio_floor, coverage_floor, ms_floor) in FLOORS.items():
        rows = figures(tag, "--models")
        for model, (n, mase, smape, coverage, msis, ms, _) in rows.items():
            print(f"{tag:4} {model:16} {n:4.0f} {mase:6.3f} {smape:6.2f} {coverage:6.3f} {msis:6.2f} {ms:6.1f}")
        own, naive = rows["combination"], rows["last_season"]
        ratio = own[1] / naive[1]
        good = ratio <= ratio_floor and own[3] >= coverage_floor and own[6] <= ms_floor
        missed += not good
        print(f"{tag:4} {'ok' if good else 'MISSED'}: {ratio:.2f} of the error of repeating the last day (floor {ratio_floor}), "
              f"coverage {own[3]:.3f} (floor {coverage_floor}), slowest {own[6]:.0f} ms CPU (floor {ms_floor})\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
