"""What people install first, in the shape of tutorials and charts (charts/*.yaml): it settles as on a real cluster."""
import glob
import os

import yaml

from scenario import REGISTER
from places import PLURAL

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "charts")
WORKLOADS = {"Deployment": "deployments", "StatefulSet": "statefulsets", "DaemonSet": "daemonsets", "Job": "jobs"}
SHOWN = ("deployments", "replicasets", "statefulsets", "daemonsets", "jobs", "endpoints", "persistentvolumeclaims", "poddisruptionbudgets")


def settled(p, document):
    plural, name = WORKLOADS[document["kind"]], document["metadata"]["name"]
    object_ = p.get(plural, name)
    if object_ is None:
        return False
    spec, status = object_["spec"], object_.get("status", {})
    if plural == "jobs":
        return status.get("succeeded") == spec.get("completions", 1)
    if plural == "daemonsets":
        return status.get("numberAvailable", 0) == status.get("desiredNumberScheduled") and status.get("desiredNumberScheduled", 0) > 0
    return status.get("readyReplicas", 0) == spec.get("replicas", 1) and status.get("updatedReplicas", 0) == spec.get("replicas", 1)


def path_for(p, document):
    """Custom kinds are looked up in the server's discovery."""
    group = document["apiVersion"]
    base = ("/api/" if group == "v1" else "/apis/") + group
    found = []

    def served():
        found[:] = [r for r in p.side.call("GET", base)[1].get("resources", []) if r["kind"] == document["kind"] and "/" not in r["name"]]
        return found
    if not p.until(f"{document['kind']} is served", served):
        return None
    return base + (f"/namespaces/{p.namespace}" if found[0]["namespaced"] else "") + "/" + found[0]["name"]


def install(p, file):
    with open(file, encoding="utf-8") as text:
        documents = [d for d in yaml.safe_load_all(text) if d]
    for document in documents:
        if document["kind"] in PLURAL:
            p.create(document)
            if document["kind"] == "PersistentVolume":  # the binder takes the best of those that it knows
                name = document["metadata"]["name"]
                p.until(name + " is there", lambda n=name: p.status("persistentvolumes", n).get("phase") in ("Available", "Bound"))
            continue
        path = path_for(p, document)
        status, answer = p.side.call("POST", path, document) if path else (0, {})
        if status >= 300:
            p.trouble.append(f"create {document['kind']}: {status} {answer.get('message')}")
    for document in documents:
        if document["kind"] in WORKLOADS:
            p.until(f"{document['kind']} {document['metadata']['name']} is ready", lambda d=document: settled(p, d), 75)
    p.show("installed")


def register(file):
    name = "chart_" + os.path.basename(file)[:-5].replace("-", "_")
    REGISTER[name] = (lambda p: install(p, file), SHOWN, 40)


for one in sorted(glob.glob(os.path.join(FOLDER, "*.yaml"))):
    register(one)
