"""What a node is asked: room, selectors, taints, ports, being schedulable; and which node is the best of several."""
from building import (Case, Delete, Patch, container, expression, node, pod, preferred_nodes, required_nodes, service, tolerate)

SMALL = [node("a", cpu="1", memory="1Gi"), node("b", cpu="2", memory="2Gi"), node("c", cpu="3", memory="3Gi")]


def resources():
    yield Case("cpu-fits-one", SMALL, [[pod("p", "2500m", "1Gi")]])
    yield Case("cpu-exactly", SMALL, [[pod("p", "3", "3Gi")]])
    yield Case("cpu-too-much", SMALL, [[pod("p", "3001m")]])
    yield Case("memory-too-much", SMALL, [[pod("p", None, "3073Mi")]])
    yield Case("both-too-much", SMALL, [[pod("p", "10", "10Gi")]])
    yield Case("mixed-reasons", [node("a", cpu="1", memory="8Gi"), node("b", cpu="8", memory="1Gi"), node("c", cpu="1", memory="1Gi")],
               [[pod("p", "4", "4Gi")]])
    yield Case("pod-count", [node("a", pods="1"), node("b", pods="2")], [[pod("p1", on="a"), pod("p2", on="b")], [pod("p3")], [pod("p4")]])
    yield Case("pod-count-and-cpu", [node("a", pods="1", cpu="1")], [[pod("p1", "500m", on="a")], [pod("p2", "600m")]])
    yield Case("ephemeral-storage", [node("a", ephemeral_storage="1Gi"), node("b", ephemeral_storage="10Gi")],
               [[pod("p", requests={"ephemeral-storage": "2Gi"})], [pod("q", requests={"ephemeral-storage": "20Gi"})]])
    yield Case("extended-resource", [node("a", example_com__gpu="1"), node("b", example_com__gpu="4"), node("c")],
               [[pod("p", limits={"example-com/gpu": "3"}, requests={"example-com/gpu": "3"})],
                [pod("q", limits={"example-com/gpu": "2"}, requests={"example-com/gpu": "2"})], [pod("r", limits={"example-com/gpu": "1"})]])
    yield Case("extended-resource-nowhere", [node("a"), node("b", example_com__fpga="0")], [[pod("p", limits={"example-com/fpga": "1"})]])
    yield Case("hugepages", [node("a", hugepages_2Mi="64Mi"), node("b")],
               [[pod("p", "100m", "64Mi", requests={"hugepages-2Mi": "32Mi"}, limits={"hugepages-2Mi": "32Mi", "memory": "64Mi", "cpu": "100m"})],
                [pod("q", "100m", "64Mi", requests={"hugepages-2Mi": "64Mi"}, limits={"hugepages-2Mi": "64Mi", "memory": "64Mi", "cpu": "100m"})]])
    yield Case("requests-add-up", [node("a", cpu="1"), node("b", cpu="1")], [[pod("p1", "600m")], [pod("p2", "600m")], [pod("p3", "600m")], [pod("p4", "400m")]])
    yield Case("containers-add-up", [node("a", cpu="1"), node("b", cpu="2")], [[pod("p", "600m", spec={"containers": [container("x", "600m"), container("y", "600m")]})]])
    yield Case("init-containers-peak", [node("a", cpu="1"), node("b", cpu="2")], [[pod("p", "500m", spec={"initContainers": [container("i", "1500m"), container("j", "100m")]})]])
    yield Case("init-containers-below", [node("a", cpu="1"), node("b", cpu="900m")], [[pod("p", "1", spec={"initContainers": [container("i", "900m"), container("j", "900m")]})]])
    yield Case("init-container-too-much", [node("a", cpu="1")], [[pod("p", "500m", spec={"initContainers": [container("i", "1500m")]})]])
    yield Case("limits-are-requests", SMALL, [[pod("p", limits={"cpu": "2500m", "memory": "1Gi"})]])
    yield Case("nothing-requested-fits-full", [node("a", cpu="1")], [[pod("p1", "1", on="a")], [pod("p2")]])
    yield Case("fractions-of-milli", [node("a", cpu="1")], [[pod("p1", "999m", on="a")], [pod("p2", "1m")], [pod("p3", "1m")]])
    yield Case("memory-units", [node("a", memory="1000M"), node("b", memory="1000Mi")], [[pod("p", None, "1000Mi")]])
    yield Case("freed-by-deletion", [node("a", cpu="1")], [[pod("p1", "1")], [pod("p2", "1")], [Delete("p1")]], keep=True)
    yield Case("overhead", [node("a", cpu="1"), node("b", cpu="2")],
               [[pod("p", "900m", spec={"runtimeClassName": "judge-overhead"})], [pod("q", "1500m", spec={"runtimeClassName": "judge-overhead"})]])
    yield Case("sidecar-counts", [node("a", cpu="1"), node("b", cpu="2")],
               [[pod("p", "500m", spec={"initContainers": [container("s", "600m", restartPolicy="Always")]})]], newer=True, expect={"p": {"b"}})
    yield Case("sidecar-before-init", [node("a", cpu="1"), node("b", cpu="2")],
               [[pod("p", "100m", spec={"initContainers": [container("s", "600m", restartPolicy="Always"), container("i", "600m")]})]], newer=True, expect={"p": {"b"}})
    yield Case("sidecar-after-init", [node("a", cpu="1"), node("b", cpu="2")],
               [[pod("p", "100m", spec={"initContainers": [container("i", "600m"), container("s", "600m", restartPolicy="Always")]})]], newer=True, expect={"p": {"a", "b"}})
    yield Case("gated", [node("a")], [[pod("p", spec={"schedulingGates": [{"name": "example.com/wait"}]})]], newer=True, expect={"p": "SchedulingGated"})


def choice():
    yield Case("least-allocated", [node("a", cpu="4", memory="4Gi"), node("b", cpu="8", memory="8Gi")], [[pod("p", "1", "1Gi")], [pod("q", "1", "1Gi")]])
    yield Case("least-allocated-after", [node("a"), node("b"), node("c")], [[pod("x", "1", "1Gi", on="a"), pod("y", "500m", "1Gi", on="b")], [pod("p", "1", "1Gi")], [pod("q", "1", "1Gi")]])
    yield Case("nothing-requested-spreads", [node("a"), node("b")], [[pod("x", on="a"), pod("y", on="a")], [pod("p")], [pod("q")]])
    yield Case("balance", [node("a", cpu="4", memory="16Gi"), node("b", cpu="8", memory="8Gi")], [[pod("p", "1", "3Gi")], [pod("q", "2", "1Gi")]])
    yield Case("balance-of-used", [node("a"), node("b")], [[pod("x", "2", "500Mi", on="a"), pod("y", "500m", "4Gi", on="b")], [pod("p", "500m", "3Gi")], [pod("q", "1500m", "500Mi")]])
    yield Case("image-locality", [node("a"), node("b", images=[("registry.example.com/large:1", 900 << 20)]), node("c")],
               [[pod("p", "100m", "100Mi", image="registry.example.com/large:1")]])
    yield Case("image-small-is-nothing", [node("a"), node("b", images=[("registry.example.com/small:1", 5 << 20)])], [[pod("p", "100m", "100Mi", image="registry.example.com/small:1")]])
    yield Case("image-of-many", [node("a", images=[("registry.example.com/x:1", 2 << 30)]), node("b", images=[("registry.example.com/x:1", 2 << 30), ("registry.example.com/y:1", 2 << 30)])],
               [[pod("p", "1", "1Gi", spec={"containers": [container("x", image="registry.example.com/x:1"), container("y", image="registry.example.com/y:1")]})]])
    yield Case("prefer-not-tainted", [node("a", taints=[("slow", "yes", "PreferNoSchedule")]), node("b"), node("c", taints=[("slow", "yes", "PreferNoSchedule"), ("old", "", "PreferNoSchedule")])],
               [[pod("p", "100m")], [pod("q", "100m", spec={"tolerations": [tolerate("slow", "Exists")]})]])
    yield Case("prefer-not-tainted-but-full", [node("a", taints=[("slow", "yes", "PreferNoSchedule")]), node("b", cpu="500m")], [[pod("p", "1")]])
    yield Case("service-spreads", [node("a"), node("b"), node("c")], [[pod("x", labels={"app": "s"}, on="a"), pod("y", labels={"app": "s"}, on="b")], [pod("p", labels={"app": "s"})]],
               objects=[service("s", {"app": "s"})])
    yield Case("service-spreads-zones", [node("a", zone="z1"), node("b", zone="z1"), node("c", zone="z2")],
               [[pod("x", labels={"app": "s"}, on="a")], [pod("p", labels={"app": "s"})], [pod("q", labels={"app": "s"})], [pod("r", labels={"app": "s"})]], objects=[service("s", {"app": "s"})])
    yield Case("preferred-outweighs-load", [node("a", labels={"disk": "ssd"}), node("b")],
               [[pod("x", "2", "4Gi", on="a")], [pod("p", "100m", "100Mi", spec=preferred_nodes((100, [expression("disk", "In", "ssd")])))]])


def selectors():
    labelled = [node("a", labels={"disk": "ssd", "gen": "3"}), node("b", labels={"disk": "hdd", "gen": "5"}), node("c", labels={"gen": "x"})]
    yield Case("selector", labelled, [[pod("p", spec={"nodeSelector": {"disk": "ssd"}})], [pod("q", spec={"nodeSelector": {"disk": "tape"}})]])
    yield Case("selector-two-labels", labelled, [[pod("p", spec={"nodeSelector": {"disk": "ssd", "gen": "5"}})]])
    for operator, values in (("In", ("ssd", "nvme")), ("NotIn", ("ssd",)), ("Exists", ()), ("DoesNotExist", ())):
        yield Case(f"affinity-{operator.lower()}", labelled, [[pod("p", spec=required_nodes([expression("disk", operator, *values)]))]])
    yield Case("affinity-gt", labelled, [[pod("p", spec=required_nodes([expression("gen", "Gt", "3")]))], [pod("q", spec=required_nodes([expression("gen", "Gt", "5")]))]])
    yield Case("affinity-lt", labelled, [[pod("p", spec=required_nodes([expression("gen", "Lt", "5")]))], [pod("q", spec=required_nodes([expression("gen", "Lt", "0")]))]])
    yield Case("affinity-terms-are-ored", labelled, [[pod("p", spec=required_nodes([expression("disk", "In", "tape")], [expression("gen", "In", "x")]))]])
    yield Case("affinity-expressions-are-anded", labelled, [[pod("p", spec=required_nodes([expression("disk", "Exists"), expression("gen", "NotIn", "3")]))]])
    yield Case("affinity-and-selector", labelled, [[pod("p", spec={**required_nodes([expression("gen", "Exists")]), "nodeSelector": {"disk": "hdd"}})],
                                                   [pod("q", spec={**required_nodes([expression("gen", "In", "3")]), "nodeSelector": {"disk": "hdd"}})]])
    yield Case("affinity-fields", labelled, [[pod("p", spec=required_nodes({"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["affinity-fields-b"]}]}))]])
    yield Case("affinity-fields-not-in", labelled, [[pod("p", spec=required_nodes({"matchFields": [{"key": "metadata.name", "operator": "NotIn", "values": ["affinity-fields-not-in-b"]}],
                                                                                     "matchExpressions": [expression("disk", "Exists")]}))]])
    yield Case("affinity-fields-none", labelled, [[pod("p", spec=required_nodes({"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["no-such-node"]}]}))]])
    yield Case("affinity-fields-and-full", [node("a", cpu="1"), node("b")], [[pod("p", "2", spec=required_nodes({"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["affinity-fields-and-full-a"]}]}))]])
    yield Case("affinity-empty-term", labelled, [[pod("p", spec=required_nodes({}))]])
    yield Case("preferred", labelled, [[pod("p", spec=preferred_nodes((10, [expression("disk", "In", "hdd")])))], [pod("q", spec=preferred_nodes((10, [expression("disk", "In", "tape")])))]])
    yield Case("preferred-weights", labelled, [[pod("p", spec=preferred_nodes((10, [expression("disk", "In", "ssd")]), (30, [expression("gen", "Gt", "4")]), (25, [expression("gen", "In", "x", "3")])))]])
    yield Case("label-comes-later", [node("a")], [[pod("p", spec={"nodeSelector": {"late": "yes"}})], [Patch("a", {"metadata": {"labels": {"late": "yes"}}})]], keep=True)


def taints():
    nodes = [node("a", taints=[("team", "x")]), node("b", taints=[("team", "y", "NoExecute")]), node("c", taints=[("dedicated", "gpu"), ("team", "x")])]
    yield Case("taints", nodes, [[pod("p")]])
    yield Case("tolerates-equal", nodes, [[pod("p", spec={"tolerations": [tolerate("team", "Equal", "x", "NoSchedule")]})]])
    yield Case("tolerates-wrong-value", nodes, [[pod("p", spec={"tolerations": [tolerate("team", "Equal", "z", "NoSchedule")]})]])
    yield Case("tolerates-exists", nodes, [[pod("p", spec={"tolerations": [tolerate("team", "Exists")]})]])
    yield Case("tolerates-wrong-effect", nodes, [[pod("p", spec={"tolerations": [tolerate("team", "Exists", effect="NoExecute")]})]])
    yield Case("tolerates-all", nodes, [[pod("p", "100m", spec={"tolerations": [tolerate(operator="Exists")]})]])
    yield Case("tolerates-all-of-an-effect", nodes, [[pod("p", spec={"tolerations": [tolerate(operator="Exists", effect="NoSchedule")]})]])
    yield Case("tolerates-empty-value", [node("a", taints=[("k",)])], [[pod("p", spec={"tolerations": [tolerate("k", "Equal", "")]})], [pod("q", spec={"tolerations": [tolerate("k")]})]])
    yield Case("taint-before-selector", [node("a", taints=[("k", "v")], labels={"x": "y"}), node("b")], [[pod("p", spec={"nodeSelector": {"x": "y"}})]])
    yield Case("unschedulable", [node("a", unschedulable=True), node("b", cpu="1")], [[pod("p", "2")], [pod("q", "500m")]])
    yield Case("unschedulable-tolerated", [node("a", unschedulable=True)], [[pod("p", spec={"tolerations": [tolerate("node.kubernetes.io/unschedulable", "Exists", effect="NoSchedule")]})]])
    yield Case("uncordoned", [node("a", unschedulable=True)], [[pod("p")], [Patch("a", {"spec": {"unschedulable": None}})]], keep=True)
    yield Case("pressure-taint", [node("a", taints=[("node.kubernetes.io/memory-pressure",)], pressure=["MemoryPressure"]), node("b", taints=[("node.kubernetes.io/disk-pressure",)], pressure=["DiskPressure"])],
               [[pod("besteffort")], [pod("burstable", "100m")]])
    yield Case("all-reasons", [node("a", taints=[("k", "v")]), node("b", unschedulable=True), node("c", cpu="1"), node("d", memory="1Gi"), node("e")],
               [[pod("p", "2", "2Gi", spec={"nodeSelector": {"kubernetes.io/hostname": "all-reasons-c"}})], [pod("q", "5", "2Gi")]])


def ports():
    yield Case("host-port", [node("a"), node("b")], [[pod("p1", ports=[8080], on="a")], [pod("p2", ports=[8080])], [pod("p3", ports=[8080])], [pod("p4", ports=[8081])]])
    udp = {"containerPort": 53, "hostPort": 8080, "protocol": "UDP"}
    yield Case("host-port-protocols", [node("a")], [[pod("p1", ports=[8080], on="a")], [pod("p2", ports=[udp])]])
    first, second = ({"containerPort": 80, "hostPort": 8080, "hostIP": ip} for ip in ("127.0.0.1", "127.0.0.2"))
    yield Case("host-port-addresses", [node("a")], [[pod("p1", ports=[first], on="a")], [pod("p2", ports=[second])], [pod("p3", ports=[8080])]])
    yield Case("host-port-wildcard", [node("a")], [[pod("p1", ports=[8080], on="a")], [pod("p2", ports=[first])]])
    yield Case("host-port-of-init", [node("a")], [[pod("p1", ports=[8080], on="a")], [pod("p2", spec={"initContainers": [container("i", ports=[8080])]})]])
    yield Case("host-network", [node("a")], [[pod("p1", on="a", spec={"hostNetwork": True}, ports=[{"containerPort": 9090, "hostPort": 9090}])], [pod("p2", spec={"hostNetwork": True}, ports=[{"containerPort": 9090, "hostPort": 9090}])]])


def all_cases():
    for group in (resources, choice, selectors, taints, ports):
        yield from group()
