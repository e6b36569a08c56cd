"""The simulator as the judges of its answers start it: without life, with nobody's settings."""
import contextlib
import json
import os
import subprocess
import tempfile

SOURCE = os.environ.get("OPSMESH_SOURCE_DIR", os.path.abspath(os.path.join(os.path.dirname(__file__), "../../..")))
BIN = os.environ.get("OPSMESH_BIN_DIR", os.path.join(SOURCE, "build/release/bin"))


@contextlib.contextmanager
def running():
    """Its URL; it ends with the block."""
    with tempfile.TemporaryDirectory() as folder:
        simulator = subprocess.Popen([os.path.join(BIN, "opsmesh_kubesim"), "--kubeconfig", os.path.join(folder, "config")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                     env={**os.environ, "HOME": folder})
        try:
            yield json.loads(simulator.stdout.readline())["url"]
        finally:
            simulator.stdin.close()
            simulator.wait(20)
