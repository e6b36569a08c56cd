"""Clusters and pods by chance, the same for a seed: everything that the pages on assigning pods to nodes name, mixed."""
import random

from building import (Case, constraint, expression, node, pod, pod_affinity, preferred_nodes, required_nodes, spread, together, tolerate)

ZONE, HOST = "topology.kubernetes.io/zone", "kubernetes.io/hostname"
APPS = ({"app": "web"}, {"app": "db"}, {"app": "cache"})


def some_node(chance, name):
    taints = [(key, value, effect) for key, value, effect in (("team", "x", "NoSchedule"), ("slow", "", "PreferNoSchedule"), ("gpu", "yes", "NoExecute"))
              if chance.random() < 0.15]
    labels = {"disk": chance.choice(["ssd", "hdd"])} if chance.random() < 0.7 else {}
    if chance.random() < 0.5:
        labels["gen"] = str(chance.randint(1, 6))
    return node(name, cpu=chance.choice(["1", "2", "3500m", "4"]), memory=chance.choice(["2Gi", "4Gi", "6000M"]), pods=str(chance.choice([2, 4, 30])),
                zone=chance.choice(["z1", "z2", "z3", None]), taints=taints, labels=labels, unschedulable=chance.random() < 0.06)


def node_expressions(chance):
    made = []
    for _ in range(chance.randint(1, 2)):
        made.append(chance.choice([expression("disk", "In", "ssd"), expression("disk", "NotIn", "hdd"), expression("gen", "Gt", "2"), expression("gen", "Lt", "5"),
                                   expression("gen", "Exists"), expression(ZONE, "In", "z1", "z2"), expression("disk", "DoesNotExist")]))
    return made


def some_affinity(chance):
    def term():
        return together(chance.choice(APPS), chance.choice([ZONE, HOST]))
    roll = chance.random()
    return pod_affinity(required=[term()] if roll < 0.25 else (), anti_required=[term()] if 0.2 < roll < 0.55 else (),
                        preferred=[(chance.randint(1, 100), term())] if 0.5 < roll < 0.8 else (),
                        anti_preferred=[(chance.randint(1, 100), term())] if roll > 0.7 else ())


def some_pod(chance, name):
    spec = {}
    roll = chance.random()
    if roll < 0.2:
        spec.update(required_nodes(*[node_expressions(chance) for _ in range(chance.randint(1, 2))]))
    elif roll < 0.4:
        spec.update(preferred_nodes(*[(chance.randint(1, 100), node_expressions(chance)) for _ in range(chance.randint(1, 3))]))
    elif roll < 0.65:
        spec.update(some_affinity(chance))
    labels = dict(chance.choice(APPS))
    if chance.random() < 0.3:
        spec.update(spread(*[constraint(chance.choice([labels, *APPS]), key, skew=chance.randint(1, 2), when=chance.choice(["DoNotSchedule", "ScheduleAnyway"]))
                             for key in chance.sample([ZONE, HOST], chance.randint(1, 2))]))
    tolerations = [one for one in (tolerate("team", "Equal", "x"), tolerate("slow", "Exists"), tolerate("gpu", "Equal", "yes", "NoExecute")) if chance.random() < 0.3]
    if tolerations:
        spec["tolerations"] = tolerations
    ports = [8080] if chance.random() < 0.15 else ()
    cpu = chance.choice([None, "100m", "250m", "700m", "1500m"])
    memory = chance.choice([None, "64Mi", "300Mi", "1Gi", "2500M"])
    return pod(name, cpu, memory, labels=labels, spec=spec, ports=ports, priority=chance.choice([None, None, None, "judge-low"]))


def all_cases(count, seed):
    for number in range(count):
        chance = random.Random(f"{seed}/{number}")
        nodes = [some_node(chance, name) for name in "abcdef"[:chance.randint(3, 6)]]
        yield Case(f"random-{number}", nodes, [[some_pod(chance, f"p{i}")] for i in range(chance.randint(4, 7))])
