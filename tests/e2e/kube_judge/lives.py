"""For each kind the life of one object."""
from common import APPLY, JSON_PATCH, MERGE, NS, STRATEGIC, TABLE, collection, name_of, object_of, patch
from kinds import KINDS


def setup():
    yield {"id": "setup-namespace", "method": "POST", "path": "/api/v1/namespaces", "body": {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NS}}}
    yield {"id": "setup-account", "method": "POST", "path": f"/api/v1/namespaces/{NS}/serviceaccounts", "body": {"metadata": {"name": "default"}}}


def life(kind):
    """Create, read in all forms, change in all ways, delete."""
    name = name_of(kind)
    all_of, body = collection(kind), object_of(kind, name)
    one = f"{all_of}/{name}"
    cluster_wide = not KINDS[kind][4]
    yield {"id": f"{kind}-create-dry", "method": "POST", "path": all_of + "?dryRun=All", "body": body}
    yield {"id": f"{kind}-create", "method": "POST", "path": all_of, "body": body}
    yield {"id": f"{kind}-create-again", "method": "POST", "path": all_of, "body": body}
    yield {"id": f"{kind}-get", "path": one}
    yield {"id": f"{kind}-get-table", "path": one, "headers": {"Accept": TABLE}}
    yield {"id": f"{kind}-get-metadata", "path": one, "headers": {"Accept": "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io,application/json"}}
    if not cluster_wide:
        yield {"id": f"{kind}-list", "path": all_of + "?labelSelector=app%3Dweb"}
        yield {"id": f"{kind}-list-table", "path": all_of + "?labelSelector=app%3Dweb", "headers": {"Accept": TABLE}}
    yield {"id": f"{kind}-list-none", "path": all_of + "?labelSelector=app%3Dnone"}
    yield {"id": f"{kind}-list-by-name", "path": all_of + f"?fieldSelector=metadata.name%3D{name}"}
    yield {"id": f"{kind}-put-unchanged", "method": "PUT", "path": one, "body": dict(body, metadata=dict(body["metadata"], resourceVersion=f"{{{kind}-get:metadata.resourceVersion}}"))}
    yield patch(f"{kind}-merge", one, MERGE, {"metadata": {"annotations": {"note": "x"}}})
    yield {"id": f"{kind}-put-stale", "method": "PUT", "path": one, "body": dict(body, metadata=dict(body["metadata"], resourceVersion=f"{{{kind}-get:metadata.resourceVersion}}"))}
    yield patch(f"{kind}-strategic", one, STRATEGIC, {"metadata": {"labels": {"tier": "front"}, "annotations": {"note": None}}})
    yield patch(f"{kind}-json-patch", one, JSON_PATCH, [{"op": "add", "path": "/metadata/labels/more", "value": "y"}])
    yield patch(f"{kind}-json-patch-test-fails", one, JSON_PATCH, [{"op": "test", "path": "/metadata/labels/more", "value": "n"}])
    yield patch(f"{kind}-merge-wrong-type", one, MERGE, {"metadata": {"labels": 7}})
    yield patch(f"{kind}-apply-conflict", one + "?fieldManager=other", APPLY, {"apiVersion": body["apiVersion"], "kind": body["kind"], "metadata": {"name": name, "labels": {"app": "changed"}}})
    yield patch(f"{kind}-apply-force", one + "?fieldManager=other&force=true", APPLY, {"apiVersion": body["apiVersion"], "kind": body["kind"], "metadata": {"name": name, "labels": {"app": "web", "by": "apply"}}})
    yield patch(f"{kind}-apply-less", one + "?fieldManager=other", APPLY, {"apiVersion": body["apiVersion"], "kind": body["kind"], "metadata": {"name": name, "labels": {"app": "web"}}})
    yield patch(f"{kind}-uid-change", one, MERGE, {"metadata": {"uid": "11111111-2222-3333-4444-555555555555"}})
    yield patch(f"{kind}-status-patch", one + "/status", MERGE, {"metadata": {"annotations": {"s": "1"}}})
    yield {"id": f"{kind}-create-no-name", "method": "POST", "path": all_of, "body": dict(body, metadata={})}
    yield {"id": f"{kind}-create-bad-name", "method": "POST", "path": all_of, "body": dict(body, metadata={"name": "Not_Good"})}
    yield {"id": f"{kind}-create-wrong-kind", "method": "POST", "path": all_of, "body": {"apiVersion": "v1", "kind": "Gadget", "metadata": {"name": "g"}}}
    yield {"id": f"{kind}-create-wrong-version", "method": "POST", "path": all_of, "body": dict(body, apiVersion="nope.example.com/v9")}
    yield {"id": f"{kind}-create-list", "method": "POST", "path": all_of, "body": [1, 2]}
    yield {"id": f"{kind}-create-bad-label", "method": "POST", "path": all_of, "body": dict(body, metadata={"name": "bad-label", "labels": {"a b": "c d"}})}
    yield {"id": f"{kind}-create-bad-annotation", "method": "POST", "path": all_of, "body": dict(body, metadata={"name": "bad-note", "annotations": {"a b": "c"}})}
    yield {"id": f"{kind}-put-absent", "method": "PUT", "path": f"{all_of}/absent", "body": dict(body, metadata={"name": "absent", "resourceVersion": "1"})}
    yield {"id": f"{kind}-put-other-name", "method": "PUT", "path": one, "body": dict(body, metadata={"name": "other"})}
    if kind not in ("namespace", "definition"):
        yield {"id": f"{kind}-generate-name", "method": "POST", "path": all_of + "?dryRun=All", "body": dict(body, metadata={"generateName": "gen-"})}
        yield {"id": f"{kind}-delete-dry", "method": "DELETE", "path": one + "?dryRun=All"}
        yield {"id": f"{kind}-delete-other-uid", "method": "DELETE", "path": one, "body": {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": "00000000-0000-0000-0000-000000000000"}}}
    yield {"id": f"{kind}-get-absent", "path": f"{all_of}/absent"}
    yield {"id": f"{kind}-delete-absent", "method": "DELETE", "path": f"{all_of}/absent"}
    yield {"id": f"{kind}-subresource-absent", "path": one + "/nothing"}


def after_life(kind):
    """Deletions: their answers depend on finalizers and on who runs."""
    name = name_of(kind)
    one = f"{collection(kind)}/{name}"
    if kind in ("namespace", "definition"):
        return
    seconds = "?gracePeriodSeconds=0" if kind == "pod" else ""
    yield {"id": f"{kind}-delete", "method": "DELETE", "path": one + seconds}
    if kind not in ("claim", "volume"):
        yield {"id": f"{kind}-get-deleted", "path": one}
