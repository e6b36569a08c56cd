"""What a real kube-scheduler 1.20 gave each node (from its log), weighted as 1.32 does: which nodes are the best.

Two things changed in between: the weights of TaintToleration, NodeAffinity and InterPodAffinity, and the formula of
NodeResourcesBalancedAllocation (half the distance of the two fractions, of what is requested; pods that request nothing have no say).
"""
import math
import re

LINE = re.compile(r"Plugin (\w+) scores on ([^/\s]+)/(\S+) => \[(.*)\]")
ENTRY = re.compile(r"\{(\S+) (-?\d+)\}")
WEIGHT_THEN = {"PodTopologySpread": 2}
WEIGHT_NOW = {"TaintToleration": 3, "NodeAffinity": 2, "PodTopologySpread": 2, "InterPodAffinity": 2, "NodeResourcesLeastAllocated": 1, "ImageLocality": 1}
UNITS = {"m": 1e-3, "": 1, "k": 1e3, "M": 1e6, "G": 1e9, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}


def amount(text):
    number, unit = re.fullmatch(r"(\d+(?:\.\d+)?)(\w*)", str(text)).groups()
    return float(number) * UNITS[unit]


def requested(pod):
    """(cpu, memory) of a pod's manifest: containers together or the largest init container, and overhead."""
    spec = pod["spec"]

    def of(container, name):
        resources = container.get("resources", {})
        return amount(resources.get("requests", {}).get(name, resources.get("limits", {}).get(name, "0")))
    totals = []
    for name, overhead in (("cpu", 0.25), ("memory", 64 << 20)):
        init = max((of(one, name) for one in spec.get("initContainers", [])), default=0)
        totals.append(max(sum(of(one, name) for one in spec["containers"]), init) + (overhead if "runtimeClassName" in spec else 0))
    return totals


class Scores:
    def __init__(self, log):
        self.given = {}  # (namespace, pod) -> plugin -> node -> score, of the last attempt
        with open(log, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if match := LINE.search(line):
                    plugin, namespace, pod, entries = match.groups()
                    weight = WEIGHT_THEN.get(plugin, 1)
                    self.given.setdefault((namespace, pod), {})[plugin] = {node: int(score) // weight for node, score in ENTRY.findall(entries)}
        self.used = {}

    def resolve(self, cases, steps):
        """What stood on every node when a pod was placed: the cases' pods by the steps in which they got their nodes."""
        for case in cases:
            manifests = {one["metadata"]["name"]: one for one in case.pods()}
            for number, step in enumerate(case.steps):
                before = steps[number - 1] if number else {}
                standing = {pod: seen["node"] for (name, pod), seen in before.items() if name == case.name and "node" in seen}
                for one in step:
                    if isinstance(one, dict) and one["kind"] == "Pod":
                        loads = {}
                        for pod, node in standing.items():
                            loads.setdefault(node, []).append(requested(manifests[pod]))
                        self.used[case.name, one["metadata"]["name"]] = loads

    def text(self, namespace, pod):
        plugins = self.given.get((namespace, pod), {})
        return "; ".join(f"{plugin} " + " ".join(f"{node.removeprefix(namespace + '-')}={score}" for node, score in nodes.items())
                         for plugin, nodes in sorted(plugins.items()) if len(set(nodes.values())) > 1)


def balance(case, pod, node, loads):
    own = requested(case.pod(pod))
    if not any(own):
        return 0
    room = next(one for one in case.nodes if f"{case.name}-{one['metadata']['name']}" == node)["status"]["allocatable"]
    fractions = []
    for i, name in enumerate(("cpu", "memory")):
        fractions.append(min(1.0, (sum(load[i] for load in loads.get(node, [])) + own[i]) / amount(room[name])))
    return math.floor((1 - abs(fractions[0] - fractions[1]) / 2) * 100 + 1e-9)


def winners(case, pod, node, scores):
    """The nodes that 1.32 would choose from. A node without scores was the only one."""
    plugins = scores.given.get((case.name, pod))
    if not plugins:
        return {node}
    loads = scores.used.get((case.name, pod), {})
    totals = {one: sum(WEIGHT_NOW.get(plugin, 0) * given.get(one, 0) for plugin, given in plugins.items()) + balance(case, pod, one, loads)
              for one in next(iter(plugins.values()))}
    best = max(totals.values())
    return {one for one, total in totals.items() if total == best}
