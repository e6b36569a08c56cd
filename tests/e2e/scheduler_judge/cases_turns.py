"""Less usual questions: sentences of several reasons, bindings past the scheduler, preemption with ties, priorities and budgets, terms that combine."""
from building import (Case, Delete, Patch, budget, claim, constraint, container, expression, node, pod, pod_affinity, preferred_nodes, service, spread,
                      storage_class, together, tolerate, volume)

ZONE = "topology.kubernetes.io/zone"
HOST = "kubernetes.io/hostname"
WEB = {"app": "web"}
ZONES = [node("a", zone="z1"), node("b", zone="z1"), node("c", zone="z2"), node("d", zone="z2")]
FULL = [node("a", cpu="2"), node("b", cpu="2"), node("c", cpu="2")]


def sentences():
    yield Case("turn-every-reason", [node("a", taints=[("k", "v")]), node("b", taints=[("k",)]), node("c", unschedulable=True), node("d", cpu="1"), node("e", memory="1Gi", cpu="1"), node("f", pods="0"), node("g", labels={"x": "y"})],
               [[pod("p", "2", "2Gi", ports=[9000], spec={"nodeSelector": {"x": "z"}})], [pod("q", "9", "2Gi")], [pod("r", "2", "9Gi", spec={"tolerations": [tolerate(operator="Exists")]})]])
    yield Case("turn-ports-and-affinity", ZONES, [[pod("w", labels=WEB, on="a", ports=[9000]), pod("v", on="b", ports=[9000])],
                                                  [pod("p", ports=[9000], spec=pod_affinity([together(WEB, ZONE)]))], [pod("q", ports=[9000], spec=pod_affinity([together(WEB, ZONE)], anti_required=[together(WEB)]))]])
    yield Case("turn-affinity-and-spread", ZONES, [[pod("w", labels=WEB, on="a"), pod("v", labels=WEB, on="a")],
                                                   [pod("p", labels=WEB, spec={**pod_affinity([together(WEB, ZONE)]), **spread(constraint(WEB))})],
                                                   [pod("q", labels=WEB, spec={**pod_affinity(anti_required=[together(WEB)]), **spread(constraint(WEB))})]])
    yield Case("turn-two-anti-terms", ZONES, [[pod("w", labels=WEB, on="a"), pod("v", labels={"app": "db"}, on="c")], [pod("p", spec=pod_affinity(anti_required=[together(WEB, ZONE), together({"app": "db"}, ZONE)]))]])
    yield Case("turn-anti-of-others-and-own", ZONES[:3], [[pod("w", labels=WEB, on="a", spec=pod_affinity(anti_required=[together({"app": "p"})])), pod("v", labels=WEB, on="b")],
                                                          [pod("p", "9", labels={"app": "p"}, spec=pod_affinity(anti_required=[together(WEB)]))]])
    yield Case("turn-two-taints-one-tolerated", [node("a", taints=[("x", "1"), ("y", "2", "NoExecute")]), node("b", taints=[("y", "2"), ("x", "1")])], [[pod("p", spec={"tolerations": [tolerate("x", "Exists")]})]])
    yield Case("turn-several-resources", [node("a", cpu="1", memory="1Gi", ephemeral_storage="1Gi", example_com__gpu="1"), node("b", cpu="1")],
               [[pod("p", "2", "2Gi", requests={"ephemeral-storage": "2Gi", "example-com/gpu": "2"}, limits={"example-com/gpu": "2"})]])
    yield Case("turn-volumes-and-taints", [node("a", zone="z1", taints=[("k", "v")]), node("b", zone="z2"), node("c", zone="z3", cpu="1")], [[pod("p", "2", claims=["c"])]],
               objects=[storage_class("manual"), volume("v", "manual", on=["a"]), claim("c", "manual", "v")])
    yield Case("turn-volume-and-zone", [node("a", zone="z1"), node("b", zone="z2"), node("c")], [[pod("p", claims=["c", "d"])]],
               objects=[storage_class("manual"), volume("v", "manual", zone="z2"), claim("c", "manual", "v"), volume("u", "manual", on=["a", "c"]), claim("d", "manual", "u")])
    yield Case("turn-claim-missing-and-full", [node("a", cpu="1")], [[pod("p", "2", claims=["none"])]])
    yield Case("turn-claim-lost", [node("a")], [[pod("p", claims=["c"])]], objects=[storage_class("manual"), claim("c", "manual", "v-gone")])
    yield Case("turn-two-claims-one-missing", [node("a")], [[pod("p", claims=["c", "none"])]], objects=[storage_class("manual"), volume("v", "manual"), claim("c", "manual", "v")])
    yield Case("turn-wait-and-selector", [node("a", zone="z1"), node("b", zone="z2")], [[pod("p", claims=["c"], spec={"nodeSelector": {ZONE: "z1"}})]],
               objects=[storage_class("wait", "WaitForFirstConsumer"), volume("v", "wait", on=["b"]), claim("c", "wait")])
    yield Case("turn-preference-is-no-demand", ZONES[:2], [[pod("p", "100m", spec={**preferred_nodes((1, [expression("no", "Exists")])), **spread(constraint(WEB, key="rack", when="ScheduleAnyway"))})]])


def places():
    yield Case("turn-past-the-scheduler", [node("a", cpu="1"), node("b", cpu="1")], [[pod("x", "800m", on="a"), pod("y", "800m", on="a")], [pod("p", "100m")], [pod("q", "900m")]])
    yield Case("turn-freed-by-end", [node("a", cpu="1")], [[pod("x", "1", on="a")], [pod("p", "1")], [Delete("x")], [pod("q", "1")]])
    yield Case("turn-ports-by-address-and-protocol", [node("a"), node("b")], [[pod("x", ports=[{"containerPort": 1, "hostPort": 7000, "hostIP": "10.0.0.1", "protocol": "UDP"}], on="a")],
                                                                              [pod("p", ports=[{"containerPort": 1, "hostPort": 7000, "protocol": "UDP"}])], [pod("q", ports=[{"containerPort": 1, "hostPort": 7000, "hostIP": "0.0.0.0", "protocol": "UDP"}])],
                                                                              [pod("r", "100m", ports=[{"containerPort": 1, "hostPort": 7000}])]])
    yield Case("turn-two-ports", [node("a"), node("b")], [[pod("x", ports=[7001], on="a"), pod("y", ports=[7002], on="b")], [pod("p", ports=[7001, 7002])], [pod("q", ports=[7002])]])
    yield Case("turn-init-and-main-of-many", [node("a", cpu="1", memory="1Gi"), node("b", cpu="3", memory="3Gi")],
               [[pod("p", spec={"initContainers": [container("i", "900m", "2Gi"), container("j", "2", "100Mi")], "containers": [container("x", "500m", "100Mi"), container("y", "600m", "100Mi")]})]])
    yield Case("turn-overhead-and-limits", [node("a", cpu="1"), node("b", cpu="2")], [[pod("p", spec={"runtimeClassName": "judge-overhead", "containers": [container("x", limits={"cpu": "400m", "memory": "64Mi"}), container("y", limits={"cpu": "400m", "memory": "64Mi"})]})]])
    yield Case("turn-images-and-load", [node("a", images=[("registry.example.com/x:1", 700 << 20)]), node("b"), node("c", images=[("registry.example.com/x:1", 700 << 20)])],
               [[pod("x", "3", "4Gi", on="a")], [pod("p", "500m", "500Mi", image="registry.example.com/x:1")]])
    yield Case("turn-image-without-tag", [node("a"), node("b", images=[("registry.example.com/big:latest", 900 << 20)])], [[pod("p", "100m", "100Mi", image="registry.example.com/big")]])
    yield Case("turn-services-and-sets", ZONES[:3], [[pod("x", labels={"app": "s", "v": "1"}, on="a"), pod("y", labels={"app": "s", "v": "2"}, on="c")], [pod("p", "100m", labels={"app": "s", "v": "1"})], [pod("q", "100m", labels={"app": "s", "v": "2"})]],
               objects=[service("s", {"app": "s"}), service("t", {"v": "2"})])
    yield Case("turn-weights-against-each-other", [node("a", labels={"disk": "ssd"}, zone="z1"), node("b", zone="z1"), node("c", zone="z2")],
               [[pod("w", labels=WEB, on="c")], [pod("p", "100m", spec={"affinity": {**preferred_nodes((60, [expression("disk", "Exists")]))["affinity"], **pod_affinity(preferred=[(60, together(WEB, ZONE))])["affinity"]}})]])
    yield Case("turn-soft-spread-of-many", ZONES, [[pod("w1", labels=WEB, on="a"), pod("w2", labels=WEB, on="a"), pod("w3", labels=WEB, on="c")],
                                                   [pod("p", "100m", labels=WEB, spec=spread(constraint(WEB, skew=2, when="ScheduleAnyway"), constraint({"app": "db"}, key=HOST, when="ScheduleAnyway")))]])
    yield Case("turn-namespaces-all", ZONES[:2], [[pod("w", labels=WEB, on="a")], [pod("p", spec=pod_affinity([together(WEB, namespaces=["default", "turn-namespaces-all"])]))]])
    yield Case("turn-affinity-to-itself-and-others", ZONES, [[pod("p", "100m", labels=WEB, spec=pod_affinity([together(WEB, ZONE), together({"app": "web"}, HOST)]))], [pod("q", "100m", labels=WEB, spec=pod_affinity([together(WEB, ZONE), together({"app": "web"}, HOST)]))]])
    yield Case("turn-affinity-to-itself-in-part", ZONES[:2], [[pod("p", labels=WEB, spec=pod_affinity([together(WEB, ZONE), together({"app": "db"}, HOST)]))]])
    yield Case("turn-label-later-again", [node("a", taints=[("k", "v")])], [[pod("p")], [Patch("a", {"spec": {"taints": None}})]], keep=True)


def preemption():
    yield Case("turn-highest-of-victims", FULL[:2], [[pod("x", "2", on="a", priority="judge-mid"), pod("y1", "1", on="b", priority="judge-low"), pod("y2", "1", on="b", priority="judge-low")], [pod("p", "2", priority="judge-high")]])
    yield Case("turn-fewest-of-victims", FULL[:2], [[pod("x1", "500m", on="a", priority="judge-low"), pod("x2", "500m", on="a", priority="judge-low"), pod("x3", "1", on="a", priority="judge-low"), pod("y1", "1", on="b", priority="judge-low"), pod("y2", "1", on="b", priority="judge-low")],
                                                     [pod("p", "2", priority="judge-high")]])
    yield Case("turn-reprieve", FULL[:1], [[pod("x1", "500m", on="a", priority="judge-mid"), pod("x2", "500m", on="a", priority="judge-low"), pod("x3", "500m", on="a", priority="judge-mid"), pod("x4", "500m", on="a", priority="judge-low")], [pod("p", "600m", priority="judge-high")]])
    yield Case("turn-two-budgets", FULL[:2], [[pod("x1", "1", on="a", priority="judge-low", labels={"app": "k1"}), pod("x2", "1", on="a", priority="judge-low", labels={"app": "k2"}), pod("y", "2", on="b", priority="judge-low", labels={"app": "k1"})],
                                              [pod("p", "2", priority="judge-high")]], objects=[budget("k1", {"app": "k1"}, 5), budget("k2", {"app": "k2"}, 5)])
    yield Case("turn-budget-with-room", FULL[:1], [[pod("x", "1", on="a", priority="judge-low", labels={"app": "k"}), pod("y", "1", on="a", priority="judge-low", labels={"app": "k"})], [pod("p", "1", priority="judge-high")]], objects=[budget("k", {"app": "k"}, 0)])
    yield Case("turn-default-priority", FULL[:1], [[pod("x", "2", on="a")], [pod("p", "1", priority="judge-low")], [pod("q", "1", priority="judge-mid")]])
    yield Case("turn-preempts-two-resources", [node("a", cpu="2", memory="2Gi")], [[pod("x", "1", "100Mi", on="a", priority="judge-low"), pod("y", "500m", "1900Mi", on="a", priority="judge-low")], [pod("p", "1", "1Gi", priority="judge-high")]])
    yield Case("turn-taint-cannot-be-preempted", [node("a", cpu="2", taints=[("k", "v")]), node("b", cpu="1")], [[pod("x", "1", on="b", priority="judge-low")], [pod("p", "2", priority="judge-high")]])
    yield Case("turn-preempts-for-affinity-of-others", ZONES[:2], [[pod("x", "3500m", on="a", priority="judge-low"), pod("w", labels=WEB, on="a", priority="judge-high"), pod("y", "4", on="b", priority="judge-low")],
                                                                   [pod("p", "1", priority="judge-high", spec=pod_affinity([together(WEB)]))]])
    yield Case("turn-never-and-full", FULL[:2], [[pod("x", "2", on="a", priority="judge-low"), pod("y", "2", on="b", priority="judge-mid")], [pod("p", "1", priority="judge-never")], [pod("q", "1", priority="judge-high")]])


def all_cases():
    for group in (sentences, places, preemption):
        yield from group()
