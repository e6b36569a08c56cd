#!/usr/bin/python3
"""Runs the benchmark of the tools of services/k8s and of the planner; arguments are numbers of pods."""
import os
import subprocess
import sys

binary = os.path.join(os.environ["OPSMESH_BIN_DIR"], "opsmesh_bench_k8s")
sys.exit(subprocess.run([binary, *(sys.argv[1:] or ["5000", "10000", "20000"])], check=False).returncode)
