"""Endpoints and EndpointSlices."""
from scenario import container, deployment, pod, scenario, service, template, workload

ALL = ("endpoints", "endpointslices")


def addresses(p, name):
    return sum(len(s.get("addresses") or []) for s in (p.get("endpoints", name) or {}).get("subsets") or [])


def waiting(p, name):
    return sum(len(s.get("notReadyAddresses") or []) for s in (p.get("endpoints", name) or {}).get("subsets") or [])


@scenario(*ALL)
def service_of_ready_pods(p):
    p.create(service("web", {"app": "web"}))
    p.show("none yet")
    p.create(deployment(replicas=2))
    p.until("two", lambda: addresses(p, "web") == 2)
    p.show("two")
    one = p.pods()[0]["metadata"]["name"]
    p.set_ready(one, False)
    p.until("one", lambda: addresses(p, "web") == 1 and waiting(p, "web") == 1)
    p.show("one is not ready")
    p.set_ready(one, True)
    p.until("two", lambda: addresses(p, "web") == 2)
    p.patch("deployments", "web", {"spec": {"replicas": 0}})
    p.until("none", lambda: addresses(p, "web") == 0)
    p.show("none left")
    p.delete("services", "web")
    p.until_gone("endpoints", "web")
    p.until("no slice", lambda: not p.list("endpointslices"))
    p.show("gone with the service")


@scenario(*ALL)
def service_named_ports(p):
    """Pods that give a name to different ports: a subset each."""
    p.create(service("web", {"tier": "web"}, [{"name": "http", "port": 80, "targetPort": "http"}, {"name": "metrics", "port": 9100, "targetPort": 9100}]))
    p.create(pod("a", labels={"tier": "web"}))
    other = pod("b", labels={"tier": "web"})
    other["spec"]["containers"] = [container("running", ports=[{"name": "http", "containerPort": 8080}], readinessProbe=None)]
    p.create(other)
    p.create(pod("without", "busy", labels={"tier": "web"}))
    p.until("addresses", lambda: addresses(p, "web") >= 3)
    p.show("by port")


@scenario(*ALL)
def service_publish_not_ready(p):
    p.create(service("all", {"app": "web"}, publishNotReadyAddresses=True))
    p.create(service("ready", {"app": "web"}))
    p.create(deployment(replicas=2, state="unready"))
    p.until("two", lambda: addresses(p, "all") == 2 and waiting(p, "ready") == 2)
    p.show("published though not ready")


@scenario(*ALL)
def service_headless(p):
    p.create(service("db", {"app": "db"}, clusterIP="None"))
    p.create(service("none", {"app": "db"}, [], clusterIP="None"))
    p.create(workload("StatefulSet", "db", 2, serviceName="db"))
    p.until("two", lambda: addresses(p, "db") == 2)
    p.show("hostnames")


@scenario(*ALL)
def service_without_selector(p):
    p.create(service("outside", None))
    p.show("no endpoints are made")
    p.create({"kind": "Endpoints", "metadata": {"name": "outside"}, "subsets": [{"addresses": [{"ip": "192.0.2.80"}, {"ip": "192.0.2.81", "hostname": "b"}], "notReadyAddresses": [{"ip": "192.0.2.82"}], "ports": [{"port": 80}]}]})
    p.until("mirrored", lambda: p.list("endpointslices"))
    p.show("mirrored to a slice")
    p.patch("endpoints", "outside", {"subsets": [{"addresses": [{"ip": "192.0.2.90"}], "ports": [{"port": 8080, "name": "x"}]}]})
    p.show("the slice follows")
    p.delete("endpoints", "outside")
    p.until("no slice", lambda: not p.list("endpointslices"))


@scenario(*ALL)
def service_external_name(p):
    p.create({"kind": "Service", "metadata": {"name": "far"}, "spec": {"type": "ExternalName", "externalName": "example.com"}})
    p.show("nothing")


@scenario(*ALL)
def service_selector_changes(p):
    p.create(pod("a"))
    p.create(pod("b"))
    p.create(service("web", {"app": "a"}, ports=[{"port": 80, "name": "http"}, {"port": 53, "protocol": "UDP", "name": "dns", "targetPort": 5353}]))
    p.until("one", lambda: addresses(p, "web") == 1)
    p.show("of a")
    p.patch("services", "web", {"metadata": {"labels": {"more": "yes"}, "annotations": {"note": "1"}}, "spec": {"selector": {"app": "b"}}})
    p.until("of b", lambda: "\"b\"" in str(p.get("endpoints", "web")).replace("'", '"') )
    p.show("of b")


@scenario(*ALL)
def service_terminating_pod(p):
    """A pod that is ending is no address any more, though it is still there."""
    p.create(service("web", {"app": "web"}))
    p.create(pod("web", metadata={"finalizers": ["example.com/hold"]}))
    p.create(pod("web2", labels={"app": "web"}))
    p.until("two", lambda: addresses(p, "web") == 2)
    p.delete("pods", "web")
    p.until("one", lambda: addresses(p, "web") == 1)
    p.show("one", "endpoints")
    p.patch("pods", "web", {"metadata": {"finalizers": None}})


@scenario(*ALL)
def service_finished_pods(p):
    """Pods that succeeded or failed have no part."""
    p.create(service("web", {"tier": "x"}))
    p.create(pod("good", "completed", labels={"tier": "x"}))
    p.create(pod("bad", "failed", labels={"tier": "x"}))
    p.create(pod("lives", labels={"tier": "x"}))
    p.until("one", lambda: addresses(p, "web") == 1)
    p.until("finished", lambda: all(p.status("pods", n).get("phase") in ("Succeeded", "Failed") for n in ("good", "bad")))
    p.show("one")


@scenario(*ALL)
def service_many_ports(p):
    p.create(service("web", {"app": "web"}, [{"name": f"p{i}", "port": 8000 + i, "targetPort": 80} for i in range(5)]))
    p.create(deployment(replicas=1))
    p.until("one", lambda: addresses(p, "web") == 1)
    p.show("five ports")
    p.patch("services", "web", {"spec": {"ports": [{"name": "only", "port": 80, "appProtocol": "http"}]}}, "merge")
    p.until("one port", lambda: [len(s["ports"]) for s in p.get("endpoints", "web").get("subsets", [])] == [1])
    p.show("one port")
