// Manifests as tutorials and users write them, and what a real cluster shows of them after a while.
#include "gmock/gmock.h"
#include "libs/kubesim/behaviour/node_testing.h"

namespace opsmesh::kubesim {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

/// What `kubectl get pods` shows of a pod: "1/1 Running", "0/1 CrashLoopBackOff".
std::string Shown(const Json& pod) {
  int64_t ready = 0, all = 0;
  std::string status = TextAt(pod, {"status", "phase"});
  for (const Json& one : ListAt(pod, {"status", "containerStatuses"})) {
    ++all;
    ready += BoolAt(one, {"ready"});
    if (const std::string waits = TextAt(one, {"state", "waiting", "reason"}); !waits.empty())
      status = waits;
    if (const std::string ended = TextAt(one, {"state", "terminated", "reason"}); !ended.empty())
      status = ended;
  }
  return fmt::format("{}/{} {}", ready, all, status);
}

class TutorialTest : public NodesTest {
 protected:
  void SetUp() override {
    NodesTest::SetUp();
    for (const char* node : {"n1", "n2"}) AddNode(node);
  }
  std::string After(absl::Duration time, const std::string& container,
                    const std::string& spec = "") {
    const std::string name = fmt::format("p{}", ++serial_);
    last_ = name;
    Pod(name, container, spec);
    Run(time);
    // A container that crashes is between two states for moments: its back-off is what people see.
    for (int i = 0;
         i < 20 && Shown(GetPod(name)).find("Running") == std::string::npos &&
         Waiting(name) != "CrashLoopBackOff" && IntAt(Container(name), "restartCount") > 0;
         ++i)
      Run(absl::Seconds(1));
    return Shown(GetPod(name));
  }
  int serial_ = 0;
  std::string last_;
};

TEST_F(TutorialTest, OrdinaryServersRun) {
  for (const char* container :
       {"image: 'nginx:1.14.2', ports: [{containerPort: 80}]",
        "image: 'docker.io/redis:6.0.5'",
        "image: 'redis:7-alpine', command: [redis-server, --appendonly, 'yes']",
        "image: 'postgres:16', env: [{name: POSTGRES_PASSWORD, value: x}]",
        "image: 'mysql:5.6', env: [{name: MYSQL_ROOT_PASSWORD, value: password}]",
        "image: 'mongo:7'",
        "image: 'wordpress:6.2.1-apache'",
        "image: 'us-docker.pkg.dev/google-samples/containers/gke/gb-frontend:v5'",
        "image: 'registry.k8s.io/e2e-test-images/agnhost:2.40', args: [netexec]",
        "image: 'httpd:2.4-alpine'",
        "image: 'memcached:1.6'",
        "image: 'rabbitmq:3-management'",
        "image: 'quay.io/fluentd_elasticsearch/fluentd:v5.0.1'",
        "image: 'fluent/fluent-bit:2.2'",
        "image: 'python:3.12-slim', command: [python, -m, http.server, '8000'], readinessProbe: "
        "{httpGet: {path: /, port: 8000}}",
        "image: 'hashicorp/http-echo', args: ['-text=hello'], readinessProbe: {httpGet: {path: /, "
        "port: 5678}}",
        "image: 'bitnami/postgresql:15', env: [{name: POSTGRESQL_PASSWORD, value: x}]",
        "image: 'registry.k8s.io/hpa-example', ports: [{containerPort: 80}]",
        "image: 'kodekloud/webapp-color'",
        "image: 'paulbouwer/hello-kubernetes:1.10'",
        "image: 'neo4j:5'",
        "image: 'adminer'",
        "image: 'influxdb:2.7'",
        "image: 'jaegertracing/all-in-one:1.57', readinessProbe: {httpGet: {path: /, port: "
        "16686}}, ports: [{containerPort: 16686}]",
        "image: 'gcr.io/google-samples/hello-app:1.0', readinessProbe: {httpGet: {path: /, port: "
        "8080}}",
        "image: 'busybox:1.28', args: [/bin/sh, -c, 'i=0; while true; do echo \"$i: $(date)\"; "
        "i=$((i+1)); sleep 1; done']",
        "image: ubuntu, command: ['/bin/bash', '-c', '--'], args: ['while true; do sleep 30; "
        "done;']",
        "image: alpine, command: ['tail', '-f', '/dev/null']"}) {
    EXPECT_EQ(After(absl::Seconds(45), container), "1/1 Running")
        << container << " " << GetPod(last_)["status"].dump();
  }
}

TEST_F(TutorialTest, MistakesShowAsTheyDo) {
  struct Case {
    const char* container;
    const char* spec;
    const char* shown;
  };
  const Case cases[] = {
      {"image: ubuntu", "", "0/1 CrashLoopBackOff"},
      {"image: 'busybox:1.36', command: [echo, hello]", "restartPolicy: Never", "0/1 Completed"},
      {"image: 'postgres:16'", "", "0/1 CrashLoopBackOff"},
      {"image: nginx, command: ['/bin/nope']", "", "0/1 CrashLoopBackOff"},
      {"image: 'nginx:1.99999'", "", "0/1 ImagePullBackOff"},
      {"image: 'ngnix'", "", "0/1 ImagePullBackOff"},
      {"image: 'mycompany/private-app:v1'", "", "0/1 ImagePullBackOff"},
      {"image: 'localhost:5000/app:1'", "", "1/1 Running"},
      {"image: nginx, readinessProbe: {httpGet: {path: /, port: 8080}}", "", "0/1 Running"},
      {"image: nginx, livenessProbe: {httpGet: {path: /healthz, port: 80}, periodSeconds: 2, "
       "failureThreshold: 1}",
       "", "0/1 CrashLoopBackOff"},
      {"image: polinux/stress, command: [stress], args: ['--vm', '1', '--vm-bytes', '250M', "
       "'--vm-hang', '1'], resources: {limits: {memory: 100Mi}}",
       "", "0/1 CrashLoopBackOff"},
      {"image: 'node:20', command: [node, server.js]", "", "0/1 CrashLoopBackOff"},
      {"image: 'node:20', command: [npm, start]", "", "0/1 CrashLoopBackOff"},
      {"image: 'python:3.11', command: [python, app.py]", "", "0/1 CrashLoopBackOff"},
      {"image: 'python:3.11', command: [gunicorn, 'app:app']", "", "0/1 CrashLoopBackOff"},
      {"image: 'python:3.11', command: [python, -c, 'import sys; sys.exit(4)']",
       "restartPolicy: Never", "0/1 Error"},
      {"image: busybox, command: [sh, -c, 'exit 1']", "restartPolicy: Never", "0/1 Error"},
      {"image: nginx, envFrom: [{secretRef: {name: nothing}}]", "",
       "0/1 CreateContainerConfigError"},
      {"image: nginx, volumeMounts: [{name: v, mountPath: /v}]",
       "volumes: [{name: v, secret: {secretName: nothing}}]", "0/1 ContainerCreating"},
      {"image: nginx, resources: {requests: {cpu: '100'}}", "", "0/0 Pending"},
  };
  for (const Case& one : cases)
    EXPECT_EQ(After(absl::Seconds(50), one.container, one.spec), one.shown)
        << one.container << " " << GetPod(last_)["status"].dump();
}

TEST_F(TutorialTest, AProgramThatNobodyBroughtAlongSaysSo) {
  After(absl::Seconds(12), "image: 'node:20', command: [node, server.js]");
  EXPECT_THAT(Log(last_), Contains("Error: Cannot find module '/server.js'"));
  EXPECT_EQ(IntAt(Container(last_), {"lastState", "terminated", "exitCode"}), 1);
  After(absl::Seconds(12), "image: 'python:3.11', command: [python, /app/app.py]");
  EXPECT_THAT(
      Log(last_),
      Contains("python: can't open file '//app/app.py': [Errno 2] No such file or directory"));
  EXPECT_EQ(IntAt(Container(last_), {"lastState", "terminated", "exitCode"}), 2);
  EXPECT_EQ(After(absl::Seconds(12),
                  "image: 'python:3.11', command: [python, /app/app.py], volumeMounts: [{name: v, "
                  "mountPath: /app}]",
                  "volumes: [{name: v, emptyDir: {}}]"),
            "1/1 Running");
}

TEST_F(TutorialTest, TheJobThatComputesPiComputesPi) {
  Apply(
      "apiVersion: batch/v1\nkind: Job\nmetadata: {name: pi}\nspec: {backoffLimit: 4, template: "
      "{spec: {restartPolicy: Never, containers: [{name: pi, image: "
      "'perl:5.34.0', command: [perl, '-Mbignum=bpi', '-wle', 'print bpi(2000)']}]}}}");
  Run(absl::Seconds(40));
  EXPECT_EQ(IntAt(Get("jobs", "pi", "batch"), {"status", "succeeded"}), 1);
  for (const ObjectPtr& pod : engine().store().List(engine().Type("", "pods")).objects) {
    std::vector<LogLine> lines;
    simulator_->logs().Read(pod->uid, "pi", {.previous = false, .tail_lines = {}, .since = {}},
                            &lines);
    ASSERT_EQ(lines.size(), 1u);
    EXPECT_EQ(lines[0].text.size(), 2001u);
    EXPECT_TRUE(lines[0].text.starts_with("3.14159265358979323846264338327950288419716939937510"))
        << lines[0].text;
    EXPECT_TRUE(lines[0].text.find("99999983729780499510") != std::string::npos)
        << "six nines at place 762";
  }
}

TEST_F(TutorialTest, TheInitContainersOfTheTutorialWaitForTheirServices) {
  Apply(
      "apiVersion: v1\nkind: Pod\nmetadata: {name: myapp}\nspec:\n  containers: [{name: c, image: "
      "'busybox:1.28', command: [sh, -c, 'echo The app is running! && "
      "sleep 3600']}]\n  initContainers: [{name: wait, image: 'busybox:1.28', command: [sh, -c, "
      "\"until nslookup myservice.$(cat "
      "/var/run/secrets/kubernetes.io/serviceaccount/namespace).svc.cluster.local; do echo waiting "
      "for myservice; sleep 2; done\"]}]");
  Run(absl::Seconds(20));
  EXPECT_EQ(Phase("myapp"), "Pending");
  Apply("apiVersion: v1\nkind: Service\nmetadata: {name: myservice}\nspec: {ports: [{port: 80}]}");
  Run(absl::Seconds(15));
  EXPECT_EQ(Phase("myapp"), "Running");
  EXPECT_THAT(Log("myapp"), Contains("The app is running!"));
}

TEST_F(TutorialTest, ACronJobSaysHelloEveryMinute) {
  Apply(
      "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: hello}\nspec: {schedule: '* * * * *', "
      "jobTemplate: {spec: {template: {spec: {restartPolicy: OnFailure, "
      "containers: [{name: hello, image: 'busybox:1.28', command: [/bin/sh, -c, 'date; echo Hello "
      "from the Kubernetes cluster']}]}}}}}");
  Run(absl::Minutes(5));
  int completed = 0;
  for (const ObjectPtr& job : engine().store().List(engine().Type("batch", "jobs")).objects)
    completed += IntAt(job->Parse(), {"status", "succeeded"}) == 1;
  EXPECT_EQ(completed, 3) << "three are kept";
}

TEST_F(TutorialTest, AStatefulSetStartsOneAfterTheOtherOnItsOwnClaims) {
  Apply(
      "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: standard, annotations: "
      "{storageclass.kubernetes.io/is-default-class: 'true'}}\nprovisioner: csi.example.com\n"
      "volumeBindingMode: WaitForFirstConsumer");
  Apply(
      "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: web}\nspec:\n  serviceName: "
      "nginx\n  replicas: 3\n  selector: {matchLabels: {app: nginx}}\n  template:\n    metadata: "
      "{labels: {app: nginx}}\n    spec: {containers: [{name: c, image: "
      "'registry.k8s.io/nginx-slim:0.24', ports: [{containerPort: 80}], volumeMounts: [{name: www, "
      "mountPath: "
      "/usr/share/nginx/html}]}]}\n  volumeClaimTemplates: [{metadata: {name: www}, spec: "
      "{accessModes: [ReadWriteOnce], storageClassName: standard, resources: {requests: {storage: "
      "1Gi}}}}]");
  Run(absl::Minutes(2));
  EXPECT_EQ(IntAt(Get("statefulsets", "web", "apps"), {"status", "readyReplicas"}), 3);
  EXPECT_EQ(TextAt(Get("persistentvolumeclaims", "www-web-2"), {"status", "phase"}), "Bound");
}

}  // namespace
}  // namespace opsmesh::kubesim
