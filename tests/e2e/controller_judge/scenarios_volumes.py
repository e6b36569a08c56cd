"""PersistentVolumes and claims: static binding, waiting for a consumer, what becomes of released volumes, protection."""
from scenario import pod, scenario

ALL = ("persistentvolumeclaims", "persistentvolumes")


def volume(p, name, size="1Gi", modes=("ReadWriteOnce",), storage_class="manual", **spec):
    metadata = {"name": f"{p.namespace}-{name}", **spec.pop("metadata", {})}
    p.create({"kind": "PersistentVolume", "metadata": metadata, "spec": {
        "capacity": {"storage": size}, "accessModes": list(modes), "hostPath": {"path": "/tmp/judge-" + name}, "storageClassName": p.namespace + "-" + storage_class, **spec}})
    p.until(metadata["name"] + " is there", lambda: p.status("persistentvolumes", metadata["name"]).get("phase") in ("Available", "Bound") or "claimRef" in spec)
    return metadata["name"]


def claim(p, name, size="1Gi", modes=("ReadWriteOnce",), storage_class="manual", **spec):
    p.create({"kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": {
        "accessModes": list(modes), "storageClassName": p.namespace + "-" + storage_class, "resources": {"requests": {"storage": size}}, **spec}})


def bound(p, name, to=None):
    return p.until(f"{name} is bound", lambda: p.status("persistentvolumeclaims", name).get("phase") == "Bound" and (to is None or p.get("persistentvolumeclaims", name)["spec"].get("volumeName") == to))


def phase(p, name, value):
    return p.until(f"{name} is {value}", lambda: p.status("persistentvolumes", name).get("phase") == value)


@scenario(*ALL)
def volume_smallest_that_fits(p):
    for name, size in (("big", "10Gi"), ("mid", "5Gi"), ("small", "1Gi")):
        phase(p, volume(p, name, size), "Available")
    claim(p, "three", "3Gi")
    bound(p, "three")
    p.show("the middle one")
    claim(p, "huge", "50Gi")
    p.until("told", lambda: any(e["reason"] in ("ProvisioningFailed", "FailedBinding") for e in p.list("events")))
    p.show("none is large enough")


@scenario(*ALL)
def volume_modes_and_classes(p):
    phase(p, volume(p, "rwo"), "Available")
    phase(p, volume(p, "rwx", modes=("ReadWriteMany", "ReadWriteOnce"), size="2Gi"), "Available")
    phase(p, volume(p, "other", storage_class="other"), "Available")
    phase(p, volume(p, "block", volumeMode="Block"), "Available")
    claim(p, "many", modes=("ReadWriteMany",))
    bound(p, "many")
    claim(p, "raw", volumeMode="Block")
    bound(p, "raw")
    claim(p, "else", storage_class="other")
    bound(p, "else")
    claim(p, "readers", modes=("ReadOnlyMany",))
    p.show("each its own")


@scenario(*ALL)
def volume_by_label(p):
    volume(p, "a", metadata={"labels": {"tier": "gold"}})
    volume(p, "b", metadata={"labels": {"tier": "lead"}})
    p.until("there", lambda: len(p.list("persistentvolumes")) == 2)
    claim(p, "gold", selector={"matchLabels": {"tier": "gold"}})
    bound(p, "gold")
    claim(p, "silver", selector={"matchExpressions": [{"key": "tier", "operator": "In", "values": ["silver"]}]})
    p.show("by selector")


@scenario(*ALL)
def volume_by_name(p):
    name = volume(p, "named", "1Gi")
    volume(p, "decoy", "1Gi")
    claim(p, "exact", volumeName=name)
    bound(p, "exact", name)
    p.show("named by the claim")
    claim(p, "late", volumeName=p.namespace + "-absent")
    p.show("a volume that is not there")
    claim(p, "taken", volumeName=name)
    p.show("a volume that is taken")


@scenario(*ALL)
def volume_reserved_for_a_claim(p):
    name = volume(p, "kept", claimRef={"namespace": p.namespace, "name": "mine", "kind": "PersistentVolumeClaim", "apiVersion": "v1"})
    claim(p, "other")
    p.show("another claim does not get it")
    claim(p, "mine")
    bound(p, "mine", name)
    p.show("its own does")


@scenario(*ALL, seconds=20)
def volume_released(p):
    name = volume(p, "once", persistentVolumeReclaimPolicy="Retain")
    claim(p, "first")
    bound(p, "first")
    p.delete("persistentvolumeclaims", "first")
    p.until_gone("persistentvolumeclaims", "first")
    phase(p, name, "Released")
    p.show("released")
    claim(p, "second")
    p.show("released volumes are not given away")
    p.patch("persistentvolumes", name, {"spec": {"claimRef": None}})
    bound(p, "second")
    p.show("until somebody clears the reference")


@scenario(*ALL, seconds=20)
def claim_protection(p):
    volume(p, "used", persistentVolumeReclaimPolicy="Retain")
    claim(p, "data")
    bound(p, "data")
    p.create(pod("user", volumes=[{"name": "d", "persistentVolumeClaim": {"claimName": "data"}}], container_more={"volumeMounts": [{"name": "d", "mountPath": "/d"}]}))
    p.running(1)
    p.delete("persistentvolumeclaims", "data")
    p.show("held by its pod")
    p.delete("pods", "user")
    p.until_gone("persistentvolumeclaims", "data")
    p.show("gone")


@scenario(*ALL, seconds=20)
def volume_protection(p):
    name = volume(p, "held", persistentVolumeReclaimPolicy="Retain")
    claim(p, "data")
    bound(p, "data")
    p.side.call("DELETE", "/api/v1/persistentvolumes/" + name)
    p.show("held by its claim")
    p.delete("persistentvolumeclaims", "data")
    p.until("no volume", lambda: not p.list("persistentvolumes"))
    p.show("gone")


@scenario(*ALL, seconds=20)
def volume_lost(p):
    name = volume(p, "lost", persistentVolumeReclaimPolicy="Retain")
    claim(p, "data")
    bound(p, "data")
    p.side.call("DELETE", "/api/v1/persistentvolumes/" + name)
    p.side.call("PATCH", "/api/v1/persistentvolumes/" + name, {"metadata": {"finalizers": None}}, "application/merge-patch+json")
    p.until("lost", lambda: p.status("persistentvolumeclaims", "data").get("phase") == "Lost")
    p.show("deleted under its claim")


@scenario(*ALL, "storageclasses", seconds=20)
def volume_waits_for_a_consumer(p):
    p.create({"kind": "StorageClass", "metadata": {"name": p.namespace + "-local"}, "provisioner": "kubernetes.io/no-provisioner", "volumeBindingMode": "WaitForFirstConsumer"})
    affinity = {"required": {"nodeSelectorTerms": [{"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["n2"]}]}]}}
    volume(p, "disk", storage_class="local", nodeAffinity=affinity, local={"path": "/mnt/disk"}, hostPath=None)
    claim(p, "data", storage_class="local")
    p.until("told", lambda: any(e["reason"] == "WaitForFirstConsumer" for e in p.list("events")))
    p.show("waits")
    p.create(pod("user", volumes=[{"name": "d", "persistentVolumeClaim": {"claimName": "data"}}], container_more={"volumeMounts": [{"name": "d", "mountPath": "/d"}]}))
    bound(p, "data")
    p.until("on the volume's node", lambda: p.get("pods", "user")["spec"].get("nodeName") == "n2")
    p.show("bound where its pod may run")


@scenario(*ALL)
def claim_of_an_absent_class(p):
    claim(p, "data", storage_class="absent")
    p.until("told", lambda: p.list("events"))
    p.show("pending")


@scenario(*ALL)
def claim_without_class(p):
    claim(p, "plain", storage_class="x")
    p.create({"kind": "PersistentVolumeClaim", "metadata": {"name": "none"}, "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "", "resources": {"requests": {"storage": "77Gi"}}}})
    p.until("told", lambda: any(e["reason"] == "FailedBinding" for e in p.list("events")))
    p.show("pending")


@scenario(*ALL, "storageclasses")
def claim_grows_not(p):
    """Growing is refused where the class does not allow it."""
    volume(p, "v", "1Gi")
    claim(p, "data")
    bound(p, "data")
    status, answer = p.patch("persistentvolumeclaims", "data", {"spec": {"resources": {"requests": {"storage": "2Gi"}}}}, may_fail=True)
    p.note("refused", {"code": status, "message": answer.get("message")})
