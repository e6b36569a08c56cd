"""Requests to both apiservers in turns: single ones, lists of many pods in every form, and many clients that write at once."""
import json
import multiprocessing
import statistics
import threading
import time

from servers import pod, quantile

ROUNDS, LISTS = 300, 3
CLIENTS, PROCESSES = 50, 5
MADE = 200  # pods of a Deployment
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
PODS = "/api/v1/namespaces/bench/pods"
PAGE = 500


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
    """name of the list -> name of the server -> milliseconds until all is read; every answer is counted."""
    took = {}
    forms = {"whole": (PODS, "application/json", "items", total), "Table": (PODS, TABLE, "rows", total),
             "one label": (f"{PODS}?labelSelector=shard%3Ds-7", "application/json", "items", total // 200),
             "label of all": (f"{PODS}?labelSelector=tier%3Dweb", "application/json", "items", total),
             "field, none": (f"{PODS}?fieldSelector=spec.nodeName%3Dnowhere", "application/json", "items", 0),
             "field, all": (f"{PODS}?fieldSelector=status.phase%3DPending", "application/json", "items", total)}
    for _ in range(LISTS):
        for name, (path, accept, member, expected) in forms.items():
            for server in servers:
                elapsed, got = server.ask("GET", path, accept=accept)
                count = len(json.loads(got).get(member) or [])
                if count != expected:
                    raise SystemExit(f"{server.name}: list {name}: {count} pods instead of {expected}")
                took.setdefault(f"list {name}", {}).setdefault(server.name, []).append(elapsed)
        for server in servers:
            elapsed, count = page_through(server)
            if count != total:
                raise SystemExit(f"{server.name}: pages of {PAGE}: {count} pods instead of {total}")
            took.setdefault(f"list by {PAGE}", {}).setdefault(server.name, []).append(elapsed)
    return took


def single(servers):
    """name of the measure -> name of the server -> milliseconds; the servers in turns, so that a busy machine is busy for both."""
    took = {}
    for i in range(ROUNDS):
        for server in servers:
            took.setdefault("create a pod", {}).setdefault(server.name, []).append(server.ask("POST", PODS, pod(f"one-{i}"))[0])
            took.setdefault("get one pod", {}).setdefault(server.name, []).append(server.ask("GET", f"{PODS}/one-{i}")[0])
            took.setdefault("merge patch", {}).setdefault(server.name, []).append(
                server.ask("PATCH", f"{PODS}/one-{i}", {"metadata": {"annotations": {"round": str(i)}}}, "application/merge-patch+json")[0])
            took.setdefault("delete a pod", {}).setdefault(server.name, []).append(server.ask("DELETE", f"{PODS}/one-{i}?gracePeriodSeconds=0")[0])
    return took


def tell(took):
    missed = []
    for measure, by_server in took.items():
        text = "   ".join(f"{name} p50 {statistics.median(times):8.2f} ms p99 {quantile(times, .99):8.2f}" for name, times in by_server.items())
        if "real" in by_server:
            ratio = statistics.median(by_server["simulated"]) / statistics.median(by_server["real"])
            text += f"   ratio {ratio:.2f} (floor 1)"
            if ratio > 1:
                missed.append(f"{measure} slower than the real one")
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
    return missed + tell(lists(servers, total))
