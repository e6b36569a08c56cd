"""The pods that both kubelets get at once, from the documentation of pods, containers, probes, hooks, volumes and eviction.

Each: a short spec of one container (`command` is given to a shell), what is put around it, and whether it is deleted on the way.
"""

IMAGE = "busybox:1.35"


def container(script, name="c", **more):
    made = {"name": name, "image": IMAGE, "command": ["sh", "-c", script] if isinstance(script, str) else script, **more}
    return {key: value for key, value in made.items() if value is not None}


def pod(name, script="sleep 3600", spec=None, labels=None, annotations=None, **more):
    body = {"terminationGracePeriodSeconds": 1, "automountServiceAccountToken": False, "containers": [container(script, **more)]}
    body.update(spec or {})
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels or {}, "annotations": annotations or {}}, "spec": body}


def once(name, script, policy="Never", spec=None, **more):
    return pod(name, script, {"restartPolicy": policy, **(spec or {})}, **more)


def init(script, name="prepare"):
    return {"initContainers": [container(script, name)]}


def probe(handler, **more):
    """Patient: a real node with a hundred pods may take more than the usual second for any of them."""
    return {**handler, "periodSeconds": 2, "timeoutSeconds": 20, **more}


def exec_of(*words):
    return {"exec": {"command": list(words)}}


def http(port, path="/"):
    return {"httpGet": {"port": port, "path": path}}


def tcp(port):
    return {"tcpSocket": {"port": port}}


def volume(name, source, **mount):
    return {"volumes": [{"name": name, **source}]}, {"volumeMounts": [{"name": name, "mountPath": "/data", **mount}]}


def with_volume(name, source, script="sleep 3600", mount=None, spec=None, **more):
    volumes, mounts = volume("v", source, **(mount or {}))
    return pod(name, script, {**volumes, **(spec or {})}, **mounts, **more)


def env(name, kind, source):
    return {"env": [{"name": name, "valueFrom": {kind: source}}]}


SERVER = "exec httpd -f -p 8080 -h /www"
NODE = "node-a"


def ends():
    yield once("ends-well", "echo good; exit 0")
    yield once("ends-badly", "echo bad; exit 3")
    yield once("ends-by-signal", "sh -c 'kill -9 $$$$'")  # two dollars make one: references to variables are expanded first
    yield once("ends-by-term", "sh -c 'kill -TERM $$$$'; exit $?")
    yield once("ends-by-fault", "sh -c 'kill -SEGV $$$$'; exit $?")
    yield once("dollars", "echo $(NAME) $$(NAME) $(ABSENT) $$NAME $NAME", env=[{"name": "NAME", "value": "web"}])
    yield once("ends-127", "nosuchcommand")
    yield once("ends-126", "/etc/passwd")
    yield once("retries-until-good", "exit 0", "OnFailure")
    yield once("retries-on-failure", "exit 7", "OnFailure")
    yield pod("always-again", "exit 0")
    yield pod("always-fails", "echo trouble; exit 1")
    yield pod("no-such-command", ["/nonexistent", "x"])
    yield once("no-such-command-never", ["/nonexistent"])
    yield once("not-executable", ["/etc"])
    yield once("out-of-memory", "dd if=/dev/zero of=/dev/null bs=200M count=1", resources={"limits": {"memory": "32Mi"}})
    yield once("message-file", "echo it was the disk > /dev/termination-log; exit 1")
    yield once("message-of-log", "echo first; echo last words; exit 1", terminationMessagePolicy="FallbackToLogsOnError")
    yield once("message-of-good-end", "echo all well > /dev/termination-log")
    yield once("message-elsewhere", "echo elsewhere > /tmp/end; exit 2", terminationMessagePath="/tmp/end")
    yield pod("one-of-two", spec={"containers": [container("sleep 3600", "good"), container("exit 5", "bad")]})
    yield once("two-ends", "exit 0", spec={"containers": [container("exit 0", "good"), container("exit 5", "bad")]})
    yield once("deadline", "sleep 3600", spec={"activeDeadlineSeconds": 20})


def starts():
    yield pod("runs", resources={"requests": {"cpu": "10m", "memory": "16Mi"}})
    yield pod("guaranteed", resources={"limits": {"cpu": "50m", "memory": "16Mi"}, "requests": {"cpu": "50m", "memory": "16Mi"}})
    yield pod("image-absent", image="registry.example.com/shop/does-not-exist:1", command=None)
    yield pod("image-never", image="registry.example.com/shop/does-not-exist:2", command=None, imagePullPolicy="Never")
    yield pod("image-bad-name", image="busybox/Upper:1", command=None)
    yield pod("image-bad-tag", image="busybox:-x", command=None)
    yield pod("image-digest", image="registry.example.com/shop/does-not-exist@sha256:" + "ab" * 32, command=None)
    yield pod("pull-secret-absent", spec={"imagePullSecrets": [{"name": "nowhere"}]})
    yield pod("account-with-secret", spec={"serviceAccountName": "puller"})
    yield pod("init-fails", spec=init("echo no; exit 4"))
    yield once("init-fails-for-good", "sleep 1", spec=init("exit 4"))
    yield once("init-then-main", "cat /data/x", spec={"initContainers": [container("echo made > /data/x", "prepare", volumeMounts=[{"name": "v", "mountPath": "/data"}])],
                                                     "volumes": [{"name": "v", "emptyDir": {}}]}, volumeMounts=[{"name": "v", "mountPath": "/data"}])
    yield pod("init-waits", spec={"initContainers": [container("sleep 3600", "first"), container("exit 0", "second")]})
    yield pod("init-image-absent", spec={"initContainers": [{"name": "prepare", "image": "registry.example.com/shop/does-not-exist:3"}]})
    yield pod("root-refused", securityContext={"runAsNonRoot": True})
    yield pod("root-by-number", securityContext={"runAsNonRoot": True, "runAsUser": 0})
    yield pod("not-root", securityContext={"runAsNonRoot": True, "runAsUser": 1000})
    yield pod("gate", spec={"readinessGates": [{"conditionType": "example.com/checked"}]})
    yield pod("works-elsewhere", "pwd; sleep 3600", workingDir="/tmp")


def references():
    yield pod("no-config", envFrom=[{"configMapRef": {"name": "nowhere"}}])
    yield pod("no-config-but-optional", envFrom=[{"configMapRef": {"name": "nowhere", "optional": True}}])
    yield pod("no-secret", envFrom=[{"secretRef": {"name": "nowhere"}}])
    yield pod("no-config-key", **env("A", "configMapKeyRef", {"name": "settings", "key": "absent"}))
    yield pod("no-secret-key", **env("A", "secretKeyRef", {"name": "login", "key": "absent"}))
    yield pod("no-config-for-key", **env("A", "configMapKeyRef", {"name": "nowhere", "key": "a"}))
    yield pod("no-key-but-optional", **env("A", "configMapKeyRef", {"name": "settings", "key": "absent", "optional": True}))
    yield once("values", "echo $LEVEL $NAME $WHO", env=[{"name": "LEVEL", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "level"}}},
                                                       {"name": "NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}, {"name": "WHO", "value": "$(NAME)-$(LEVEL)"}])
    yield with_volume("volume-no-config", {"configMap": {"name": "nowhere"}})
    yield with_volume("volume-no-secret", {"secret": {"secretName": "nowhere"}})
    yield with_volume("volume-no-key", {"configMap": {"name": "settings", "items": [{"key": "absent", "path": "x"}]}})
    yield with_volume("volume-optional", {"secret": {"secretName": "nowhere", "optional": True}}, "ls /data; sleep 3600")
    yield with_volume("volume-projected", {"projected": {"sources": [{"secret": {"name": "nowhere"}}]}})
    yield with_volume("volume-no-host-path", {"hostPath": {"path": "/nonexistent/here", "type": "Directory"}})
    yield with_volume("volume-file", {"configMap": {"name": "settings"}}, "cat /data/level; echo; sleep 3600")
    yield with_volume("sub-path", {"configMap": {"name": "settings"}}, "cat /data; echo; sleep 3600", {"subPath": "level"})
    yield with_volume("read-only", {"emptyDir": {}}, "echo x > /data/x || exit 9; sleep 3600", {"readOnly": True})


def probes():
    yield pod("live-exec", livenessProbe=probe(exec_of("cat", "/tmp/alive"), failureThreshold=2))
    yield pod("live-http-refused", livenessProbe=probe(http(8081), failureThreshold=2))
    yield pod("live-http-404", SERVER, livenessProbe=probe(http(8080, "/absent"), failureThreshold=2))
    yield pod("live-tcp-refused", livenessProbe=probe(tcp(8081), failureThreshold=2))
    yield pod("live-http-good", SERVER, livenessProbe=probe(http(8080)), readinessProbe=probe(tcp(8080)))
    yield pod("ready-never", readinessProbe=probe(exec_of("sh", "-c", "echo not yet; exit 3")))
    yield pod("ready-later", "sleep 5; touch /tmp/ready; sleep 3600", readinessProbe=probe(exec_of("cat", "/tmp/ready"), periodSeconds=1))
    yield pod("ready-slow", readinessProbe=probe(exec_of("sleep", "10"), periodSeconds=3, timeoutSeconds=1))
    yield pod("ready-no-command", readinessProbe=probe(exec_of("/nonexistent")))
    yield pod("ready-named-port", SERVER, ports=[{"containerPort": 8080, "name": "web"}], readinessProbe=probe(http("web")))
    yield pod("startup-never", startupProbe=probe(tcp(8081), failureThreshold=2))
    yield pod("startup-then-live", "sleep 4; touch /tmp/up; sleep 3600", startupProbe=probe(exec_of("cat", "/tmp/up"), periodSeconds=1, failureThreshold=30),
              livenessProbe=probe(exec_of("cat", "/tmp/up"), failureThreshold=1))


def hooks():
    yield pod("hook-good", "sleep 8; cat /tmp/x; sleep 3600", lifecycle={"postStart": exec_of("sh", "-c", "echo hooked > /tmp/x")})
    yield pod("hook-fails", lifecycle={"postStart": exec_of("sh", "-c", "echo broken; exit 9")})
    yield pod("hook-http-refused", lifecycle={"postStart": http(8081)})
    yield pod("stop-hook-fails", lifecycle={"preStop": exec_of("sh", "-c", "exit 4")}, annotations={"judge/delete": "20"})
    yield pod("stopped", "trap 'echo bye; exit 0' TERM; while true; do sleep 1; done", {"terminationGracePeriodSeconds": 10}, annotations={"judge/delete": "20"})
    yield pod("stopped-by-force", "trap '' TERM; while true; do sleep 1; done", {"terminationGracePeriodSeconds": 3}, annotations={"judge/delete": "20"})


def refused():
    yield pod("no-room", spec={"nodeName": NODE}, resources={"requests": {"cpu": "400"}})
    yield pod("no-memory", spec={"nodeName": NODE}, resources={"requests": {"memory": "900Gi"}})
    yield pod("wrong-node", spec={"nodeName": NODE, "nodeSelector": {"disk": "tape"}})
    yield pod("port-holder", ports=[{"containerPort": 80, "hostPort": 18080}])
    yield pod("port-taken", spec={"nodeName": NODE}, ports=[{"containerPort": 80, "hostPort": 18080}], annotations={"judge/late": "yes"})
    yield with_volume("too-much-in-directory", {"emptyDir": {"sizeLimit": "1Mi"}}, "dd if=/dev/zero of=/data/x bs=1M count=8; sleep 3600")
    yield pod("too-much-written", "dd if=/dev/zero of=/tmp/x bs=1M count=8; sleep 3600", resources={"limits": {"ephemeral-storage": "1Mi"}})


def all_pods():
    for group in (refused, ends, starts, references, probes, hooks):
        yield from group()


def objects():
    """What the pods refer to."""
    yield {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"level": "debug"}}
    yield {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login"}, "stringData": {"password": "x"}}
    yield {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "puller"}, "imagePullSecrets": [{"name": "absent-too"}]}
