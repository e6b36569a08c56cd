"""Requests to both apiservers in turns: single ones, lists of many pods in every form, and many clients that write at once."""
import json
import multiprocessing
import os
import statistics
import threading
import time

from servers import pod, quantile

ROUNDS, LISTS = 300, 3
STARTS = 50  # watches opened among many pods
CLIENTS, PROCESSES = 50, 5
MADE = 200  # pods of a Deployment
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
PODS = "/api/v1/namespaces/bench/pods"
PAGE = 500
FLOORS = {"list field, none": 0.5}  # of the real one's time; 1 where nothing is said


def controllers(server):
    """Seconds from a Deployment's creation until its controllers have made all its pods, which nobody runs."""
    space, name = "/api/v1/namespaces/rollout", "/apis/apps/v1/namespaces/rollout/deployments"
    server.ask("POST", "/api/v1/namespaces", {"metadata": {"name": "rollout"}})
    end = time.monotonic() + 120
    while json.loads(server.ask("GET", f"{space}/serviceaccounts/default", expected=(200, 404))[1])["kind"] == "Status" and time.monotonic() < end:
        time.sleep(0.05)
    begin = time.monotonic()
    server.ask("POST", name, {"metadata": {"name": "web"}, "spec": {"replicas": MADE, "selector": {"matchLabels": {"app": "bench"}}, "template": {
        "metadata": {"labels": {"app": "bench"}}, "spec": {**pod("x")["spec"], "nodeSelector": {"kubernetes.io/hostname": "nowhere"}}}}})
    while json.loads(server.ask("GET", f"{name}/web")[1]).get("status", {}).get("replicas", 0) < MADE:
        if time.monotonic() > end:
            raise SystemExit(f"{server.name}: the Deployment has not got its {MADE} pods in two minutes")
        time.sleep(0.02)
    return time.monotonic() - begin


def apply_pods(server, first, each):
    """As `kubectl apply` of new objects: is it there, then create it."""
    mine = server.again()
    for i in range(first, first + each):
        mine.ask("GET", f"{PODS}/p-{i}", expected=(404,))
        mine.ask("POST", PODS, pod(f"p-{i}", shard=f"s-{i % 200}"))
    mine.connection.close()


def some_clients(server, first, clients, each, told):
    threads = [threading.Thread(target=apply_pods, args=(server, first + i * each, each)) for i in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told.put(clients * each)


def many_clients(server, total):
    """Fifty clients make `total` pods: seconds, and processor seconds of the server."""
    each = total // CLIENTS
    share = CLIENTS // PROCESSES
    told, cpu, begin = multiprocessing.SimpleQueue(), server.cpu(), time.monotonic()
    processes = [multiprocessing.Process(target=some_clients, args=(server, i * share * each, share, each, told)) for i in range(PROCESSES)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(300)
    took, cpu = time.monotonic() - begin, server.cpu() - cpu
    count = json.loads(server.ask("GET", f"{PODS}?limit=1")[1])["metadata"].get("remainingItemCount", 0) + 1
    if count != each * CLIENTS:
        raise SystemExit(f"{server.name}: {CLIENTS} clients made {count} pods instead of {each * CLIENTS}")
    return took, cpu


def note(took, measure, server, act):
    """Milliseconds that act() tells, and processor seconds of the server meanwhile, under the measure and the server's name."""
    cpu = server.cpu()
    elapsed = act()
    took.setdefault(measure, {}).setdefault(server.name, []).append((elapsed, server.cpu() - cpu))


def page_through(server):
    elapsed, count, token = 0, 0, ""
    while True:
        took, got = server.ask("GET", f"{PODS}?limit={PAGE}" + (f"&continue={token}" if token else ""))
        elapsed += took
        answer = json.loads(got)
        count += len(answer["items"])
        token = answer["metadata"].get("continue")
        if not token:
            return elapsed, count


def lists(servers, total):
    """As note() keeps it, until all is read; every answer is counted."""
    took = {}
    forms = {"whole": (PODS, "application/json", "items", total), "Table": (PODS, TABLE, "rows", total),
             "one label": (f"{PODS}?labelSelector=shard%3Ds-7", "application/json", "items", total // 200),
             "label of all": (f"{PODS}?labelSelector=tier%3Dweb", "application/json", "items", total),
             "field, none": (f"{PODS}?fieldSelector=spec.nodeName%3Dnowhere", "application/json", "items", 0),
             "field, all": (f"{PODS}?fieldSelector=status.phase%3DPending", "application/json", "items", total)}
    for _ in range(LISTS):
        for name, (path, accept, member, expected) in forms.items():
            for server in servers:
                def listed(server=server, name=name, path=path, accept=accept, member=member, expected=expected):
                    elapsed, got = server.ask("GET", path, accept=accept)
                    count = len(json.loads(got).get(member) or [])
                    if count != expected:
                        raise SystemExit(f"{server.name}: list {name}: {count} pods instead of {expected}")
                    return elapsed
                note(took, f"list {name}", server, listed)
        for server in servers:
            def paged(server=server):
                elapsed, count = page_through(server)
                if count != total:
                    raise SystemExit(f"{server.name}: pages of {PAGE}: {count} pods instead of {total}")
                return elapsed
            note(took, f"list by {PAGE}", server, paged)
    return took


def single(servers):
    """As note() keeps it; the servers in turns, so that a busy machine is busy for both."""
    took = {}
    for i in range(ROUNDS):
        for server in servers:
            for measure, *question in (
                    ("create a pod", "POST", PODS, pod(f"one-{i}")),
                    ("get one pod", "GET", f"{PODS}/one-{i}"),
                    ("merge patch", "PATCH", f"{PODS}/one-{i}", {"metadata": {"annotations": {"round": str(i)}}}, "application/merge-patch+json"),
                    ("delete a pod", "DELETE", f"{PODS}/one-{i}?gracePeriodSeconds=0")):
                note(took, measure, server, lambda server=server, question=question: server.ask(*question)[0])
    return took


def open_watch(server, query):
    connection = server.socket()
    connection.sendall(f"GET {PODS}?watch=1&{query} HTTP/1.1\r\nHost: bench\r\n\r\n".encode())
    return connection


def watch_all(server, total):
    """Milliseconds until a watch without a version has told of every pod."""
    begin = time.perf_counter()
    connection, told = open_watch(server, "timeoutSeconds=300"), 0
    added, rest = b'{"type":"ADDED"', b""
    while told < total:
        data = connection.recv(1 << 20)
        if not data:
            raise SystemExit(f"{server.name}: a watch of all pods ended after {told} of {total}")
        told += (rest + data).count(added)
        rest = data[1 - len(added):]  # an event may stand on the seam
    connection.close()
    return (time.perf_counter() - begin) * 1000


def watch_head(server, since):
    """Milliseconds from connecting to the head of a watch's answer."""
    begin = time.perf_counter()
    connection = open_watch(server, f"resourceVersion={since}")
    head = connection.recv(1 << 16)
    took = (time.perf_counter() - begin) * 1000
    connection.close()
    if b" 200 " not in head[:20]:
        raise SystemExit(f"{server.name}: a watch was answered {head[:200]!r}")
    return took


def among_many(servers, total):
    """Single requests and the start of watches while `total` pods are there."""
    took = {}
    for i in range(ROUNDS):
        name = f"{PODS}/p-{i * 7919 % total}"
        patch = ("PATCH", name, {"metadata": {"annotations": {"round": str(i)}}}, "application/merge-patch+json")
        for server in servers:
            note(took, "get among many", server, lambda server=server, name=name: server.ask("GET", name)[0])
            note(took, "patch among many", server, lambda server=server, patch=patch: server.ask(*patch)[0])
    since = {server.name: json.loads(server.ask("GET", f"{PODS}?limit=1")[1])["metadata"]["resourceVersion"] for server in servers}
    for _ in range(STARTS):
        for server in servers:
            note(took, "watch from now", server, lambda server=server: watch_head(server, since[server.name]))
    for _ in range(LISTS):
        for server in servers:
            note(took, "watch all", server, lambda server=server: watch_all(server, total))
    return took


def tell(took):
    """Prints every measure; those that took more than their part of the real one's processor time, or of its time. The latter is judged on a
    machine that is not busy with other things: on a busy one a request waits for its turn, whoever answers it."""
    busy, missed = os.getloadavg()[0] > 2 * os.cpu_count(), []
    for measure, by_server in took.items():
        times = {name: [elapsed for elapsed, _ in samples] for name, samples in by_server.items()}
        spent = {name: sum(cpu for _, cpu in samples) / len(samples) * 1000 for name, samples in by_server.items()}
        text = "   ".join(f"{name} p50 {statistics.median(all_of):8.2f} ms p99 {quantile(all_of, .99):8.2f} processor {spent[name]:8.2f}" for name, all_of in times.items())
        if "real" in by_server:
            ratio, cpu = statistics.median(times["simulated"]) / statistics.median(times["real"]), spent["simulated"] / max(spent["real"], 1e-6)
            floor = FLOORS.get(measure, 1)
            text += f"   ratio {ratio:.2f}{' (NOT JUDGED, the machine is busy)' if busy else ''}, of processor {cpu:.2f} (floor {floor})"
            if cpu > floor:
                missed.append(f"{measure}: more than {floor} of the real one's processor time")
            if ratio > floor and not busy:
                missed.append(f"{measure}: more than {floor} of the real one's time")
        print(f"{measure:16} {text}", flush=True)
    return missed


def requests(servers, total):
    for server in servers:
        server.ask("POST", "/api/v1/namespaces", {"metadata": {"name": "bench"}})
        server.ask("POST", "/api/v1/namespaces/bench/serviceaccounts", {"metadata": {"name": "default"}}, expected=(201, 409))
    missed = tell(single(servers))
    rates = {}
    for server in servers:
        took, cpu = many_clients(server, total)
        rates[server.name] = cpu
        print(f"{CLIENTS} clients       {server.name}: {total} pods asked for and made in {took:.1f} s, {total / took:.0f} a second, {1e6 * cpu / total:.0f} us of the server's processor each", flush=True)
    if "real" in rates:
        ratio = rates["simulated"] / rates["real"]
        print(f"{CLIENTS} clients       ratio of processor time {ratio:.2f} (floor 1)", flush=True)
        missed += [f"{CLIENTS} clients cost more than at the real one"] if ratio > 1 else []
    for server in servers:
        server.connection = server.connect()  # one that was idle meanwhile may be closed
    missed += tell(among_many(servers, total)) + tell(lists(servers, total))
    print("memory           " + ", ".join(f"{server.name}: {server.memory() >> 20} MiB with {total} pods" for server in servers), flush=True)
    return missed
