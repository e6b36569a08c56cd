"""Less usual pods: probes, ends of containers by policy, references of every sort."""
from pods import SERVER, container, exec_of, init, once, pod, probe, with_volume


def probes():
    yield pod("turn-success-twice", "touch /tmp/up; sleep 3600", readinessProbe=probe(exec_of("cat", "/tmp/up"), periodSeconds=1, successThreshold=3))
    yield pod("turn-ready-https-of-http", SERVER, readinessProbe=probe({"httpGet": {"port": 8080, "path": "/", "scheme": "HTTPS"}}))
    yield pod("turn-ready-tcp-host", SERVER, readinessProbe=probe({"tcpSocket": {"port": 8080, "host": "127.0.0.1"}}))
    yield pod("turn-live-and-restart-never", "sleep 3600", {"restartPolicy": "Never"}, livenessProbe=probe(exec_of("sh", "-c", "echo no; exit 1"), periodSeconds=2, failureThreshold=1))


def ends():
    yield once("message-long", "i=0; while [ $i -lt 90 ]; do echo line $i of the log; i=$((i+1)); done; exit 2", terminationMessagePolicy="FallbackToLogsOnError")
    yield once("ends-args-expanded", ["echo"], args=["$(A)-$(B)", "$$(A)", "$(C"], env=[{"name": "A", "value": "1"}, {"name": "B", "value": "$(A)2"}])


def references():
    yield pod("turn-key-of-two", env=[{"name": "A", "valueFrom": {"secretKeyRef": {"name": "login", "key": "password"}}}, {"name": "B", "valueFrom": {"secretKeyRef": {"name": "login", "key": "user"}}}])
    yield with_volume("turn-projected", {"projected": {"sources": [{"configMap": {"name": "settings"}}, {"downwardAPI": {"items": [{"path": "name", "fieldRef": {"fieldPath": "metadata.name"}}, {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]}}]}},
                      "cat /data/name; echo; cat /data/labels; echo; ls /data; sleep 3600", labels={"a": "b", "c": "d"})
    yield with_volume("turn-host-file", {"hostPath": {"path": "/etc/hostname", "type": "Directory"}})
    yield once("ends-downward", "echo $A $B $C $D", resources={"limits": {"cpu": "250m", "memory": "64Mi"}, "requests": {"cpu": "100m"}},
               env=[{"name": n, "valueFrom": {"resourceFieldRef": {"resource": r}}} for n, r in (("A", "limits.cpu"), ("B", "limits.memory"), ("C", "requests.cpu"), ("D", "requests.memory"))])
    yield pod("turn-user-unknown", "id -u; sleep 3600", securityContext={"runAsUser": 1234, "runAsGroup": 99})


def stops():
    yield pod("deadline-in-init", spec={"activeDeadlineSeconds": 20, **init("sleep 3600")})


def all_pods():
    for group in (probes, ends, references, stops):
        yield from group()
