#!/usr/bin/python3
"""./dev bench gateway: the gateway against nginx static, a direct gRPC client and FastAPI + grpc.aio, in one run.

Prints ratios beside their floors; these machines are noisy, so absolute figures are shown only to see what was measured.
CPU of a process is user + system time from /proc, per request it answered. Rounds alternate between the contenders and
the median ratio counts. Exit 1 when a floor is missed.
"""
import argparse
import contextlib
import json
import os
import re
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.abspath(os.path.join(HERE, "../../.."))
TICK = os.sysconf("SC_CLK_TCK")
BODY = '{"query": "list all pods in payments-production", "session_id": "session_1234567890", "limit": 100}'

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--bin", default=os.path.join(SOURCE, "build/release/bench"))
parser.add_argument("--descriptors", default=os.path.join(SOURCE, "build/release/bench/bench.binpb"))
parser.add_argument("--seconds", type=float, default=3.0, help="length of one measurement")
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--streams", type=int, default=2000, help="idle event streams")
ARGS = parser.parse_args()


def cpu_seconds(pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICK


def anonymous_kib(pid):
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(r"RssAnon:\s+(\d+)", status.read()).group(1))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port):
    for _ in range(200):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        time.sleep(0.05)
    raise SystemExit(f"nothing listens on port {port}")


class Stage:
    """Every process of the benchmark; stopped at the end whatever happens."""

    def __init__(self, folder):
        self.folder = folder
        self.processes = []

    def start(self, *command, port_from_stdout=False, **options):
        process = subprocess.Popen(command, stdout=subprocess.PIPE if port_from_stdout else subprocess.DEVNULL,
                                   text=True, **options)
        self.processes.append(process)
        if port_from_stdout:
            line = process.stdout.readline()
            if not line:
                raise SystemExit(f"{command[0]} did not start")
            return process.pid, int(line)
        return process.pid, None

    def stop(self):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=5)
            process.kill()

    def nginx(self):
        port = free_port()
        root = os.path.join(self.folder, "www")
        os.makedirs(os.path.join(root, "bench"))
        with open(os.path.join(root, "bench/lookup"), "w") as page:
            page.write("x" * 1024)
        config = os.path.join(self.folder, "nginx.conf")
        # As root, nginx would hand its worker to another user, who may not read this folder.
        user = "user root;" if os.geteuid() == 0 else ""
        with open(config, "w") as out:
            out.write(f"""
{user} daemon off; worker_processes 1; error_log {self.folder}/nginx.log; pid {self.folder}/nginx.pid;
events {{ worker_connections 4096; }}
http {{ access_log off; keepalive_requests 100000000; client_body_temp_path {self.folder}/b; proxy_temp_path {self.folder}/p;
fastcgi_temp_path {self.folder}/f; uwsgi_temp_path {self.folder}/u; scgi_temp_path {self.folder}/s;
server {{ listen 127.0.0.1:{port}; root {root}; default_type application/json; }} }}
""")
        pid, _ = self.start("nginx", "-c", config, "-p", self.folder, stderr=subprocess.DEVNULL)
        wait_for_port(port)
        children = subprocess.run(["pgrep", "-P", str(pid)], stdout=subprocess.PIPE, text=True).stdout.split()
        return [int(child) for child in children], port

    def fastapi(self, backend_port):
        generated = os.path.join(self.folder, "py")
        os.makedirs(generated)
        with open(os.path.join(HERE, "proto/bench.proto")) as source:
            text = source.read()
        # The peer needs the messages only: without the options, no other proto is imported.
        text = re.sub(r"    option \(google\.api\.http\) = \{.*?\n    \};|    option \([^)]*\) = \{[^\n]*\};", "", text, flags=re.S)
        text = re.sub(r"    option \(google\.api\.http\) = \{[^\n]*\};", "", re.sub(r'import "[^"]*";\n', "", text))
        with open(os.path.join(generated, "bench.proto"), "w") as out:
            out.write(text)
        subprocess.run(["/usr/bin/python3", "-m", "grpc_tools.protoc", "-I", generated, f"--python_out={generated}",
                        f"--grpc_python_out={generated}", "bench.proto"], check=True)
        port = free_port()
        pid, _ = self.start("/usr/bin/python3", os.path.join(HERE, "fastapi_peer.py"), generated, str(backend_port),
                            str(port), stderr=subprocess.DEVNULL)
        wait_for_port(port)
        return [pid], port


def wrk(port, connections, folder, post=True):
    script = os.path.join(folder, "post.lua")
    with open(script, "w") as out:
        if post:
            out.write(f"wrk.method='POST'\nwrk.headers['Content-Type']='application/json'\nwrk.body=[[{BODY}]]\n")
        out.write("done = function(s, l) io.write(string.format('\\nRESULT %d %d %d %d\\n', s.requests, s.duration, "
                  "l:percentile(50), s.errors.status + s.errors.connect + s.errors.read + s.errors.timeout)) end\n")
    text = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(ARGS.seconds))}s", "-s", script,
         f"http://127.0.0.1:{port}/bench/lookup"], check=True, stdout=subprocess.PIPE, text=True).stdout
    requests, micros, p50, errors = map(int, re.search(r"RESULT (\d+) (\d+) (\d+) (\d+)", text).groups())
    if errors:
        raise SystemExit(f"{errors} of {requests} requests to port {port} failed:\n{text}")
    return {"requests": requests, "rate": requests / (micros / 1e6), "p50_us": p50}


def measure_http(pids, port, connections, folder, post=True):
    before = cpu_seconds(pids)
    result = wrk(port, connections, folder, post)
    result["cpu_us"] = (cpu_seconds(pids) - before) * 1e6 / result["requests"]
    return result


def measure_grpc(backend_port, concurrency):
    result = json.loads(subprocess.run(
        [os.path.join(ARGS.bin, "grpc_bench_client"), str(backend_port), str(concurrency), str(ARGS.seconds)], check=True,
        stdout=subprocess.PIPE, text=True).stdout)
    result["cpu_us"] = result["cpu_seconds"] * 1e6 / result["requests"]
    result["rate"] = result["requests"] / result["seconds"]
    return result


def open_stream(port, query):
    connection = socket.create_connection(("127.0.0.1", port))
    connection.sendall(f"GET /bench/subscribe?{query} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: text/event-stream\r\n\r\n"
                       .encode())
    return connection


def idle_stream_kib(pid, port):
    """Anonymous memory a stream of the gateway process while ARGS.streams are open and silent."""
    warm = [open_stream(port, "count=0") for _ in range(50)]
    time.sleep(1)
    before = anonymous_kib(pid)
    streams = [open_stream(port, "count=0") for _ in range(ARGS.streams)]
    time.sleep(3)
    grown = anonymous_kib(pid) - before
    for stream in warm + streams:
        stream.close()
    time.sleep(1)
    return grown / ARGS.streams


def event_cpu_us(pid, port, streams=50, events=2000):
    """CPU of the gateway process an event, events one at a time on each stream (1 ms apart)."""
    connections = [open_stream(port, f"count={events}&interval_ms=1") for _ in range(streams)]
    before = cpu_seconds([pid])
    import selectors
    selector = selectors.DefaultSelector()
    for connection in connections:
        connection.setblocking(False)
        selector.register(connection, selectors.EVENT_READ)
    got, end = 0, time.monotonic() + 60
    while got < streams * events and time.monotonic() < end:
        for key, _ in selector.select(timeout=1):
            data = key.fileobj.recv(1 << 16)
            if not data:
                selector.unregister(key.fileobj)
                continue
            got += data.count(b"data: ")
    if got < streams * events:
        raise SystemExit(f"only {got} of {streams * events} events arrived")
    used = cpu_seconds([pid]) - before
    for connection in connections:
        connection.close()
    return used * 1e6 / got


def main():
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    folder = tempfile.mkdtemp(prefix="opsmesh-bench-")
    stage = Stage(folder)
    rows, missed = [], []

    def row(what, value, floor, stretch, more_is_better=False, unit="x"):
        ok = value >= floor if more_is_better else value <= floor
        rows.append((what, f"{value:.2f} {unit}", f"{'>=' if more_is_better else '<='} {floor}", stretch, "ok" if ok else "MISSED"))
        if not ok:
            missed.append(what)

    try:
        _, backend_port = stage.start(os.path.join(ARGS.bin, "grpc_bench_backend"), port_from_stdout=True)
        gateway_pid, gateway_port = stage.start(os.path.join(ARGS.bin, "gateway_bench_server"), str(backend_port),
                                                ARGS.descriptors, port_from_stdout=True)
        nginx_pids, nginx_port = stage.nginx()
        fastapi_pids, fastapi_port = stage.fastapi(backend_port)
        samples = {"nginx": [], "gateway": [], "grpc": [], "fastapi": [], "gateway4": [], "grpc4": []}
        for number in range(ARGS.rounds):
            print(f"round {number + 1} of {ARGS.rounds} ...", flush=True)
            samples["nginx"].append(measure_http(nginx_pids, nginx_port, 64, folder, post=False))
            samples["gateway"].append(measure_http([gateway_pid], gateway_port, 64, folder))
            samples["grpc"].append(measure_grpc(backend_port, 64))
            samples["fastapi"].append(measure_http(fastapi_pids, fastapi_port, 64, folder))
            samples["gateway4"].append(measure_http([gateway_pid], gateway_port, 4, folder))
            samples["grpc4"].append(measure_grpc(backend_port, 4))
        for name, found in samples.items():
            middle = {key: statistics.median(s[key] for s in found) for key in ("cpu_us", "rate", "p50_us") if key in found[0]}
            print(f"  {name:9} cpu {middle['cpu_us']:7.1f} us/request   {middle['rate']:9.0f} requests/s"
                  + (f"   p50 {middle['p50_us']:7.0f} us" if "p50_us" in middle else ""))

        def ratio(a, b, key):
            return statistics.median(x[key] / y[key] for x, y in zip(samples[a], samples[b]))

        row("gateway CPU a unary request, against nginx static", ratio("gateway", "nginx", "cpu_us"), 7, "3.3")
        row("gateway CPU, against a direct gRPC client", ratio("gateway", "grpc", "cpu_us"), 2.6, "1.3")
        row("requests/s, against FastAPI + grpc.aio, 1 worker", ratio("gateway", "fastapi", "rate"), 5, "9", more_is_better=True)
        row("p50 at 4 connections, against direct gRPC", ratio("gateway4", "grpc4", "p50_us"), 3.5, "1.6")
        row("idle event stream, anonymous memory of the gateway", idle_stream_kib(gateway_pid, gateway_port), 36, "8", unit="KiB")
        # The goal, 9 us, was set where nginx needed 5.0 us a request: as a ratio it holds on slower machines too.
        event = event_cpu_us(gateway_pid, gateway_port)
        nginx = statistics.median(sample["cpu_us"] for sample in samples["nginx"])
        print(f"  event     cpu {event:7.1f} us")
        row("event, gateway CPU, against an nginx static request", event / nginx, 1.8, "0.7")
        transcoder = os.path.join(ARGS.bin, "transcoder_bench")
        if os.path.exists(transcoder):
            result = json.loads(subprocess.run([transcoder], check=True, stdout=subprocess.PIPE, text=True).stdout)
            for case, value in result.items():
                row(f"transcoder against json_util: {case}", value, 4, "10", more_is_better=True)
    finally:
        stage.stop()
        shutil.rmtree(folder, ignore_errors=True)
    print(f"\n{'what':58} {'measured':>12}  {'floor':>8}  {'stretch':>7}")
    for what, value, floor, stretch, verdict in rows:
        print(f"{what:58} {value:>12}  {floor:>8}  {stretch:>7}  {verdict}")
    sys.exit(1 if missed else 0)


main()
