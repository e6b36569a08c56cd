"""The simulator as the judges start it, with nobody's settings."""
import contextlib
import json
import os
import subprocess
import tempfile

SOURCE = os.environ.get("OPSMESH_SOURCE_DIR", os.path.abspath(os.path.join(os.path.dirname(__file__), "../../..")))
BIN = os.environ.get("OPSMESH_BIN_DIR", os.path.join(SOURCE, "build/release/bin"))


@contextlib.contextmanager
def running(*options, kubeconfig=None):
    """Its URL; an administrator's kubeconfig is written where `kubeconfig` says. It ends with the block, and that it crashed is nothing a judge plays again."""
    with tempfile.TemporaryDirectory() as folder:
        simulator = subprocess.Popen([os.path.join(BIN, "opsmesh_kubesim"), *options, "--kubeconfig", kubeconfig or os.path.join(folder, "config")],
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "HOME": folder})
        try:
            yield json.loads(simulator.stdout.readline())["url"]
        finally:
            simulator.stdin.close()
            try:
                code = simulator.wait(120)
            except subprocess.TimeoutExpired:
                simulator.kill()
                code = simulator.wait()
            assert code == 0, f"the simulator ended with {code}"
