"""The real control plane of ../shared/kube-real for one test program, out of everybody's way.

enter() comes first in a program: it executes the program again in network and process namespaces of its own, so that the
cluster's fixed ports and its bridge meet nobody else's, and whatever ends the program (a kill -9, a time limit) ends the
cluster with it. Where namespaces cannot be had the program goes on without, and the cluster is one at a time by a lock.
    real_cluster.enter()
    with real_cluster.running(node=True):
        real_cluster.kubectl("get", "nodes")
KUBE_REAL_DIR says where the built Kubernetes is kept. `--running` among the arguments: a cluster that is up already, there.
"""
import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile

SOURCE = os.environ.get("OPSMESH_SOURCE_DIR", os.path.abspath(os.path.join(os.path.dirname(__file__), "../../..")))
TOOLS = os.path.join(SOURCE, "..", "shared", "kube-real")
STATE = os.environ.setdefault(
    "KUBE_REAL_DIR", os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "kube-real"))
ADMIN = os.path.join(STATE, "admin.kubeconfig")
PORT = int(os.environ.get("K8S_PORT", "26443"))
IS_ROOT = os.geteuid() == 0
RUNNING = "--running" in sys.argv
_PRIVATE = "OPSMESH_REAL_PRIVATE"  # set inside the namespaces: the folder of the built Kubernetes
_NAMESPACES = ["unshare", "--net", "--pid", "--fork", "--mount-proc", "--kill-child=SIGKILL"]
# A shell is the first process there: it collects the children of those that have ended.
_FIRST = 'ip link set lo up && "$@"; exit $?'


def tool(name, *arguments, timeout=900):
    """A script of ../shared/kube-real; what it says is shown when it fails."""
    done = subprocess.run([os.path.join(TOOLS, name), *arguments], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=timeout)
    if done.returncode != 0:
        raise RuntimeError(f"{name} {' '.join(arguments)}: exit code {done.returncode}\n{done.stdout}")


def kubectl(*arguments, timeout=180):
    """What kubectl prints as the administrator."""
    return subprocess.run(["kubectl", "--kubeconfig", ADMIN, *arguments], check=True, text=True, stdout=subprocess.PIPE,
                          timeout=timeout).stdout


def missing():
    """The folder that a real control plane would come from, where it is not there."""
    return None if os.path.isdir(TOOLS) else TOOLS


def is_built():
    return os.path.exists(os.path.join(STATE, "bin", "kube-apiserver"))


def enter(build=True):
    """Returns at once where there is no real control plane to be had, and inside; else the program begins anew inside."""
    if missing() or RUNNING or _PRIVATE in os.environ:
        return
    if build:
        tool("build.sh", timeout=3000)
    if not is_built() or subprocess.run([*_NAMESPACES, "ip", "link", "set", "lo", "up"], stderr=subprocess.DEVNULL, check=False).returncode:
        return
    os.environ[_PRIVATE] = STATE
    os.environ["KUBE_REAL_DIR"] = _state_folder()
    sys.stdout.flush()
    os.execvp("unshare", [*_NAMESPACES, "bash", "-c", _FIRST, "bash", sys.executable, *sys.argv])


def _state_folder():
    """A new folder for what one cluster writes, with the built programs; those of programs that were killed are removed."""
    runs = os.path.join(STATE, "runs")
    os.makedirs(runs, exist_ok=True)
    for name in os.listdir(runs):
        if not os.path.exists(f"/proc/{name.split('-')[0]}"):
            shutil.rmtree(os.path.join(runs, name), ignore_errors=True)
    folder = tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=runs)
    _link_programs(STATE, folder)
    return folder


def _link_programs(built, folder):
    for name in ("bin", "root"):
        os.symlink(os.path.join(built, name), os.path.join(folder, name))


@contextlib.contextmanager
def running(node=False, simulated=()):
    """A fresh control plane; with a real node (one a machine: their control groups are shared), or with simulated ones."""
    if RUNNING:
        yield
        return
    with contextlib.ExitStack() as stack:
        if node or _PRIVATE not in os.environ:
            lock = stack.enter_context(open(os.path.join(os.environ.get(_PRIVATE, STATE), "test.lock"), "w", encoding="ascii"))
            fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.isdir(STATE):  # a second cluster in one program
            os.makedirs(STATE)
            _link_programs(os.environ[_PRIVATE], STATE)
        stack.callback(_remove)
        tool("up.sh", "--fresh")
        if node:
            tool("node.sh", "up")
        if simulated:
            tool("node.sh", "sim", *simulated)
        yield


def _remove():
    tool("down.sh", "--wipe")
    if _PRIVATE in os.environ:
        shutil.rmtree(STATE)


def stop_controllers():
    """The apiserver alone is left."""
    subprocess.run(["bash", "-c", '. "$0/lib.sh"; stop kube-controller-manager; stop kube-scheduler', TOOLS],
                   check=True, stdout=subprocess.DEVNULL, timeout=100)
