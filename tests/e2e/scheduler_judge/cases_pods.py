"""What the pods and volumes that are there decide: affinity, spreading, volumes, preemption."""
from building import (Case, Delete, budget, claim, constraint, expression, node, pod, pod_affinity, preferred_nodes, required_nodes, spread,
                      storage_class, together, tolerate, volume)

ZONES = [node("a", zone="z1"), node("b", zone="z1"), node("c", zone="z2"), node("d", zone="z2")]
ZONE = "topology.kubernetes.io/zone"
WEB = {"app": "web"}


def affinity():
    web_on_a = [pod("w", labels=WEB, on="a")]
    yield Case("with-on-host", ZONES, [web_on_a, [pod("p", spec=pod_affinity([together(WEB)]))]])
    yield Case("with-in-zone", ZONES, [web_on_a, [pod("p", "100m", spec=pod_affinity([together(WEB, ZONE)]))]])
    yield Case("with-nobody", ZONES, [[pod("p", spec=pod_affinity([together(WEB)]))]])
    yield Case("first-of-its-kind", ZONES, [[pod("p", "100m", labels=WEB, spec=pod_affinity([together(WEB, ZONE)]))], [pod("q", "100m", labels=WEB, spec=pod_affinity([together(WEB, ZONE)]))]])
    yield Case("two-terms", ZONES, [[pod("w", labels={"app": "web", "tier": "x"}, on="a"), pod("v", labels={"tier": "x"}, on="c")],
                                    [pod("p", spec=pod_affinity([together(WEB, ZONE), together({"tier": "x"})]))]])
    yield Case("two-terms-two-pods", ZONES, [[pod("w", labels=WEB, on="a"), pod("v", labels={"tier": "x"}, on="a")], [pod("p", spec=pod_affinity([together(WEB), together({"tier": "x"})]))]])
    yield Case("not-with-on-host", ZONES, [web_on_a, [pod("p", "100m", spec=pod_affinity(anti_required=[together(WEB)]))]])
    yield Case("not-with-in-zone", ZONES, [web_on_a, [pod("p", "100m", spec=pod_affinity(anti_required=[together(WEB, ZONE)]))]])
    yield Case("not-with-anywhere", ZONES, [[pod("w", labels=WEB, on="a"), pod("v", labels=WEB, on="d")], [pod("p", spec=pod_affinity(anti_required=[together(WEB, ZONE)]))]])
    yield Case("symmetric", ZONES, [[pod("w", on="a", spec=pod_affinity(anti_required=[together({"noisy": "yes"}, ZONE)]))], [pod("p", "100m", labels={"noisy": "yes"})],
                                    [pod("q", "100m")]])
    yield Case("symmetric-everywhere", ZONES, [[pod("w", on="a", spec=pod_affinity(anti_required=[together({"noisy": "yes"}, ZONE)])),
                                                pod("v", on="c", spec=pod_affinity(anti_required=[together({"noisy": "yes"}, ZONE)]))], [pod("p", labels={"noisy": "yes"})]])
    yield Case("one-a-node", ZONES[:2], [[pod(f"p{i}", labels=WEB, spec=pod_affinity(anti_required=[together(WEB)]))] for i in range(3)])
    yield Case("key-missing", [node("a"), node("b", zone="z1")], [[pod("w", labels=WEB, on="a"), pod("v", labels=WEB, on="b")], [pod("p", spec=pod_affinity([together(WEB, ZONE)]))],
                                                                 [pod("q", spec=pod_affinity(anti_required=[together(WEB, ZONE)]))]])
    yield Case("other-namespace", ZONES[:2], [web_on_a, [pod("p", spec=pod_affinity([together(WEB, namespaces=["default"])]))]])
    yield Case("own-namespace-named", ZONES[:2], [web_on_a, [pod("p", spec=pod_affinity([together(WEB, namespaces=["own-namespace-named"])]))]])
    yield Case("expressions", ZONES, [[pod("w", labels=WEB, on="a"), pod("v", labels={"app": "db"}, on="c")],
                                      [pod("p", spec=pod_affinity([together({"matchExpressions": [expression("app", "NotIn", "web")]})]))],
                                      [pod("q", spec=pod_affinity([together({"matchExpressions": [expression("app", "Exists"), expression("app", "In", "web", "x")]})]))]])
    yield Case("empty-selector-is-all", ZONES[:2], [web_on_a, [pod("p", spec=pod_affinity([together({})]))]])
    yield Case("both-kinds", ZONES, [[pod("w", labels=WEB, on="a"), pod("v", labels={"app": "db"}, on="b")],
                                     [pod("p", spec=pod_affinity([together(WEB, ZONE)], anti_required=[together({"app": "db"})]))]])
    yield Case("preferred-with", ZONES, [[pod("w", labels=WEB, on="c")], [pod("p", "100m", spec=pod_affinity(preferred=[(50, together(WEB))]))]])
    yield Case("preferred-zone-and-host", ZONES, [[pod("w", labels=WEB, on="c")], [pod("p", "100m", spec=pod_affinity(preferred=[(10, together(WEB, ZONE))], anti_preferred=[(90, together(WEB))]))]])
    yield Case("preferred-not-with", ZONES, [[pod("w", labels=WEB, on="a"), pod("v", labels=WEB, on="c")], [pod("p", "100m", spec=pod_affinity(anti_preferred=[(100, together(WEB))]))]])
    yield Case("preferred-by-others", ZONES, [[pod("w", on="b", spec=pod_affinity(preferred=[(80, together({"app": "guest"}))]))], [pod("p", "100m", labels={"app": "guest"})]])
    yield Case("required-by-others-is-liked", ZONES, [[pod("g", labels={"app": "guest"}, on="b"), pod("w", on="b", spec=pod_affinity([together({"app": "guest"})]))],
                                                      [pod("p", "100m", labels={"app": "guest"})]])
    yield Case("disliked-by-others", ZONES[:2], [[pod("w", on="b", spec=pod_affinity(anti_preferred=[(80, together({"app": "guest"}))]))], [pod("p", "100m", labels={"app": "guest"})]])
    yield Case("gone-pods-do-not-count", ZONES[:2], [web_on_a, [Delete("w")], [pod("p", "100m", spec=pod_affinity([together(WEB)]))]])
    yield Case("comes-later", ZONES[:2], [[pod("p", spec=pod_affinity([together(WEB)]))], [pod("w", labels=WEB, on="b")]], keep=True)
    yield Case("namespace-selector", ZONES[:2], [web_on_a, [pod("p", spec=pod_affinity([together(WEB, namespaceSelector={"matchLabels": {"kubernetes.io/metadata.name": "namespace-selector"}})]))],
                                                 [pod("q", spec=pod_affinity([together(WEB, namespaceSelector={"matchLabels": {"kubernetes.io/metadata.name": "default"}})]))]],
               newer=True, expect={"p": {"a"}, "q": "2 node(s) didn't match pod affinity rules"})
    yield Case("match-label-keys", ZONES[:2], [[pod("w", labels={"app": "web", "v": "1"}, on="a")],
                                               [pod("p", labels={"app": "web", "v": "2"}, spec=pod_affinity(anti_required=[together(WEB, matchLabelKeys=["v"])], preferred=[(100, together({}))]))],
                                               [pod("q", labels={"app": "web", "v": "1"}, spec=pod_affinity(anti_required=[together(WEB, matchLabelKeys=["v"])]))]],
               newer=True, expect={"p": {"a"}, "q": {"b"}})


def spreading():
    def webs(*places):
        return [pod(f"w{i}", labels=WEB, on=place) for i, place in enumerate(places)]
    yield Case("skew-one", ZONES, [webs("a"), [pod("p", "100m", labels=WEB, spec=spread(constraint(WEB)))]])
    yield Case("skew-two", ZONES[:3], [webs("a", "a"), [pod("p", "100m", labels=WEB, spec=spread(constraint(WEB, skew=2)))]])
    yield Case("skew-not-kept", [*ZONES[:2], node("c", zone="z2", cpu="100m")], [webs("a"), [pod("p", "1", labels=WEB, spec=spread(constraint(WEB)))]])
    yield Case("skew-of-others", ZONES, [webs("a", "b"), [pod("p", "100m", spec=spread(constraint(WEB)))]])
    yield Case("spread-hosts", ZONES[:3], [[pod(f"p{i}", "100m", labels=WEB, spec=spread(constraint(WEB, key="kubernetes.io/hostname")))] for i in range(4)])
    yield Case("spread-two-constraints", ZONES, [webs("a", "c", "c"), [pod("p", "100m", labels=WEB, spec=spread(constraint(WEB), constraint(WEB, key="kubernetes.io/hostname")))]])
    yield Case("spread-conflict", [node("a", zone="z1"), node("b", zone="z2"), node("c", zone="z2")], [webs("a", "a", "b", "c", "c"), [pod("p", labels=WEB, spec=spread(constraint(WEB), constraint(WEB, key="kubernetes.io/hostname")))]])
    yield Case("spread-key-missing", [node("a", zone="z1"), node("b")], [webs("a"), [pod("p", "100m", labels=WEB, spec=spread(constraint(WEB)))], [pod("q", "8", labels=WEB, spec=spread(constraint(WEB)))]])
    yield Case("spread-key-nowhere", ZONES[:2], [[pod("p", labels=WEB, spec=spread(constraint(WEB, key="rack")))]])
    yield Case("spread-soft", ZONES, [webs("a", "b"), [pod("p", "100m", labels=WEB, spec=spread(constraint(WEB, when="ScheduleAnyway")))]])
    yield Case("spread-soft-but-full", [*ZONES[:2], node("c", zone="z2", cpu="100m")], [webs("a"), [pod("p", "1", labels=WEB, spec=spread(constraint(WEB, when="ScheduleAnyway")))]])
    yield Case("spread-soft-two", ZONES, [webs("a", "c", "c"), [pod("p", "100m", labels=WEB, spec=spread(constraint(WEB, when="ScheduleAnyway"), constraint(WEB, key="kubernetes.io/hostname", when="ScheduleAnyway")))]])
    yield Case("spread-soft-key-missing", [node("a", zone="z1"), node("b"), node("c", zone="z2")], [webs("a"), [pod("p", "100m", labels=WEB, spec=spread(constraint(WEB, when="ScheduleAnyway")))]])
    yield Case("spread-hard-and-soft", ZONES, [webs("a", "c", "d"), [pod("p", "100m", labels=WEB, spec=spread(constraint(WEB), constraint(WEB, key="kubernetes.io/hostname", when="ScheduleAnyway")))]])
    yield Case("spread-within-selector", [node("a", zone="z1", labels={"pool": "x"}), node("b", zone="z2", labels={"pool": "x"}), node("c", zone="z3")],
               [webs("a", "b"), [pod("p", "100m", labels=WEB, spec={**spread(constraint(WEB)), "nodeSelector": {"pool": "x"}})], [pod("q", "100m", labels=WEB, spec=spread(constraint(WEB)))]])
    yield Case("spread-counts-tainted", [node("a", zone="z1"), node("b", zone="z2", taints=[("k", "v")])], [webs("a"), [pod("p", labels=WEB, spec=spread(constraint(WEB)))]])
    yield Case("spread-min-domains", ZONES[:2], [webs("a"), [pod("p", labels=WEB, spec=spread(constraint(WEB, minDomains=2)))]], newer=True,
               expect={"p": "2 node(s) didn't match pod topology spread constraints"})
    yield Case("spread-honor-taints", [node("a", zone="z1"), node("b", zone="z2", taints=[("k", "v")])], [webs("a"), [pod("p", labels=WEB, spec=spread(constraint(WEB, nodeTaintsPolicy="Honor")))]],
               newer=True, expect={"p": {"a"}})
    yield Case("spread-ignore-affinity", [node("a", zone="z1", labels={"pool": "x"}), node("b", zone="z2")],
               [webs("a"), [pod("p", labels=WEB, spec={**spread(constraint(WEB, nodeAffinityPolicy="Honor")), "nodeSelector": {"pool": "x"}})],
                [pod("q", labels=WEB, spec={**spread(constraint(WEB, nodeAffinityPolicy="Ignore")), "nodeSelector": {"pool": "x"}})]],
               newer=True, expect={"p": {"a"}, "q": "1 node(s) didn't match pod topology spread constraints"})
    yield Case("spread-match-label-keys", ZONES[:3:2], [[pod("w", labels={"app": "web", "v": "1"}, on="a")],
                                                        [pod("p", labels={"app": "web", "v": "2"}, spec={**spread(constraint(WEB, matchLabelKeys=["v"])), **preferred_nodes((100, [expression(ZONE, "In", "z1")]))})],
                                                        [pod("q", labels={"app": "web", "v": "2"}, spec=spread(constraint(WEB, matchLabelKeys=["v"])))]],
               newer=True, expect={"p": {"a"}, "q": {"c"}})


CLASSES = [storage_class("manual"), storage_class("wait", "WaitForFirstConsumer")]


def volumes():
    two = [node("a", zone="z1"), node("b", zone="z2")]
    yield Case("claim-missing", two, [[pod("p", claims=["none"])]])
    yield Case("claim-unbound", two, [[pod("p", claims=["c"])]], objects=[*CLASSES, claim("c", "manual")])
    yield Case("claim-class-missing", two, [[pod("p", claims=["c"])]], objects=[*CLASSES, claim("c", "no-such-class")])
    yield Case("claim-bound", two, [[pod("p", claims=["c"])]], objects=[*CLASSES, volume("v", "manual"), claim("c", "manual", "v")])
    yield Case("claim-bound-elsewhere", two, [[pod("p", claims=["c"])]], objects=[*CLASSES, volume("v", "manual", on=["b"]), claim("c", "manual", "v")])
    yield Case("claim-bound-and-selector", two, [[pod("p", claims=["c"], spec={"nodeSelector": {ZONE: "z1"}})]], objects=[*CLASSES, volume("v", "manual", on=["b"]), claim("c", "manual", "v")])
    yield Case("claim-bound-conflict", two, [[pod("p", claims=["c", "d"])]], objects=[*CLASSES, volume("v", "manual", on=["b"]), claim("c", "manual", "v"), volume("u", "manual", on=["a"]), claim("d", "manual", "u")])
    yield Case("claim-zone", two, [[pod("p", claims=["c"])]], objects=[*CLASSES, volume("v", "manual", zone="z2"), claim("c", "manual", "v")])
    yield Case("claim-zone-nowhere", two, [[pod("p", claims=["c"])]], objects=[*CLASSES, volume("v", "manual", zone="z9"), claim("c", "manual", "v")])
    yield Case("claim-zones-joined", two, [[pod("p", "100m", claims=["c"])]], objects=[*CLASSES, volume("v", "manual", zone="z2__z1"), claim("c", "manual", "v")])
    yield Case("wait-for-consumer", two, [[pod("p", claims=["c"])]], objects=[*CLASSES, volume("v", "wait", on=["b"]), claim("c", "wait")])
    yield Case("wait-nothing-there", two, [[pod("p", claims=["c"])]], objects=[*CLASSES, claim("c", "wait")])
    yield Case("wait-too-small", two, [[pod("p", claims=["c"])]], objects=[*CLASSES, volume("v", "wait", on=["b"]), claim("c", "wait", size="2Gi")])
    yield Case("wait-wrong-mode", two, [[pod("p", claims=["c"])]], objects=[*CLASSES, volume("v", "wait", on=["b"]), claim("c", "wait", modes=["ReadWriteMany"])])
    yield Case("wait-and-no-cpu", [node("a"), node("b", cpu="1")], [[pod("p", "2", claims=["c"])]], objects=[*CLASSES, volume("v", "wait", on=["b"]), claim("c", "wait")])
    yield Case("wait-one-volume-two-claims", two, [[pod("p", claims=["c", "d"])]], objects=[*CLASSES, volume("v", "wait", on=["b"]), claim("c", "wait"), claim("d", "wait")])
    yield Case("wait-two-volumes", two, [[pod("p", claims=["c", "d"])]],
               objects=[*CLASSES, volume("v", "wait", on=["a"]), volume("u", "wait", on=["b"]), volume("t", "wait", on=["b"]), claim("c", "wait"), claim("d", "wait")])
    yield Case("claim-comes-later", two, [[pod("p", claims=["c"])], [claim("c", "manual"), volume("v", "manual", on=["b"])]], objects=CLASSES, keep=True)


def preemption():
    full = [node("a", cpu="2"), node("b", cpu="2"), node("c", cpu="2")]
    yield Case("preempts-lowest", full, [[pod("x", "2", on="a", priority="judge-mid"), pod("y", "2", on="b", priority="judge-low"), pod("z", "2", on="c", priority="judge-mid")],
                                         [pod("p", "1", priority="judge-high")]])
    yield Case("preempts-few", full[:2], [[pod("x1", "1", on="a", priority="judge-low"), pod("x2", "1", on="a", priority="judge-low"), pod("y", "2", on="b", priority="judge-low")],
                                          [pod("p", "2", priority="judge-high")]])
    yield Case("preempts-only-needed", full[:1], [[pod("x1", "500m", on="a", priority="judge-low"), pod("x2", "1", on="a", priority="judge-mid"), pod("x3", "500m", on="a", priority="judge-low")],
                                                 [pod("p", "1", priority="judge-high")]])
    yield Case("preempts-lower-sum", full[:2], [[pod("x1", "1", on="a", priority="judge-mid"), pod("x2", "1", on="a", priority="judge-low"), pod("y1", "1", on="b", priority="judge-mid"), pod("y2", "1", on="b", priority="judge-mid")],
                                                [pod("p", "2", priority="judge-high")]])
    yield Case("never-preempts", full[:1], [[pod("x", "2", on="a", priority="judge-low")], [pod("p", "1", priority="judge-never")]])
    yield Case("same-priority-stays", full[:1], [[pod("x", "2", on="a", priority="judge-high")], [pod("p", "1", priority="judge-high")]])
    yield Case("nobody-lower", full[:2], [[pod("x", "2", on="a", priority="judge-high"), pod("y", "2", on="b", priority="judge-high")], [pod("p", "1", priority="judge-low")]])
    yield Case("preemption-does-not-help", [node("a", cpu="2"), node("b", cpu="2", taints=[("k", "v")])], [[pod("x", "2", on="a", priority="judge-low")], [pod("p", "3", priority="judge-high")]])
    yield Case("budget-is-respected", full[:2], [[pod("x", "2", on="a", priority="judge-low", labels={"app": "kept"}), pod("y", "2", on="b", priority="judge-mid")], [pod("p", "1", priority="judge-high")]],
               objects=[budget("kept", {"app": "kept"}, 5)])
    yield Case("budget-is-broken-at-last", full[:1], [[pod("x", "2", on="a", priority="judge-low", labels={"app": "kept"})], [pod("p", "1", priority="judge-high")]],
               objects=[budget("kept", {"app": "kept"}, 5)])
    yield Case("preempts-for-port", full[:1], [[pod("x", on="a", priority="judge-low", ports=[8080])], [pod("p", priority="judge-high", ports=[8080])]])
    yield Case("preempts-for-anti-affinity", full[:1], [[pod("x", on="a", priority="judge-low", labels=WEB), pod("y", on="a", priority="judge-low")],
                                                        [pod("p", priority="judge-high", spec=pod_affinity(anti_required=[together(WEB)]))]])
    yield Case("preempts-one-who-minds", full[:1], [[pod("x", on="a", priority="judge-low", spec=pod_affinity(anti_required=[together(WEB)]))], [pod("p", priority="judge-high", labels=WEB)]])
    yield Case("cannot-preempt-its-friend", full[:1], [[pod("x", "2", on="a", priority="judge-low", labels=WEB)], [pod("p", "1", priority="judge-high", spec=pod_affinity([together(WEB)]))]])
    yield Case("preempts-for-spread", ZONES[1:3], [[pod("x", on="b", priority="judge-low", labels=WEB), pod("y", "4", on="c", priority="judge-high", labels={"o": "p"})],
                                                   [pod("p", "100m", priority="judge-high", labels=WEB, spec=spread(constraint(WEB)))]])
    yield Case("preempts-pod-slot", [node("a", pods="1")], [[pod("x", on="a", priority="judge-low")], [pod("p", priority="judge-high")]])
    yield Case("preempts-extended", [node("a", example_com__gpu="1")], [[pod("x", limits={"example-com/gpu": "1"}, on="a", priority="judge-low"), pod("y", on="a", priority="judge-low")],
                                                                        [pod("p", limits={"example-com/gpu": "1"}, priority="judge-high")]])
    yield Case("preempts-within-selector", full[:2], [[pod("x", "2", on="a", priority="judge-mid"), pod("y", "2", on="b", priority="judge-low")],
                                                      [pod("p", "1", priority="judge-high", spec={"nodeSelector": {"kubernetes.io/hostname": "preempts-within-selector-a"}})]])


def all_cases():
    for group in (affinity, spreading, volumes, preemption):
        yield from group()
