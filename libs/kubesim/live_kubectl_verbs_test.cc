// Every verb of kubectl against a living demo cluster: what people read, and what it exits with.
#include "gmock/gmock.h"
#include "libs/kubesim/kubectl_verb_testing.h"

namespace opsmesh::kubesim {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

TEST_F(VerbTest, GetPrintsInEveryForm) {
  Good("get pods -n shop -o wide",
       "NOMINATED NODE +READINESS GATES\n(.*\n)*nginx-.* +1/1 +Running +0 +[0-9]+[hd].* "
       "+10\\.[0-9.]+ +node-[0-9] +<none> +<none>");
  Good("get deploy -n shop nginx -o yaml", "kind: Deployment\n");
  Good("get deploy -n shop nginx -o json", "\"kind\": \"Deployment\"");
  Good("get deploy -n shop -o name", "deployment.apps/nginx\n");
  Good("get deploy -n shop nginx -o jsonpath='{.metadata.name}={.spec.replicas}'", "^nginx=3$");
  Good(
      "get deploy -n shop -o jsonpath='{range "
      ".items[?(@.metadata.name==\"nginx\")]}{.spec.template.spec.containers[*].image}{\"\\n\"}{"
      "end}'",
      "^nginx:");
  Good(
      "get deploy -n shop nginx -o go-template='{{.metadata.name}}/{{len "
      ".spec.template.spec.containers}}'",
      "^nginx/1$");
  Good("get pods -n shop -l app=nginx -o custom-columns=POD:.metadata.name,NODE:.spec.nodeName",
       "POD +NODE\nnginx-.* node-");
  Good("get pods -n shop -l app=nginx --sort-by=.metadata.name --no-headers", "^nginx-");
  Good("get pods -n shop -l app=nginx --show-labels", "LABELS\n.*app=nginx,pod-template-hash=");
  Good("get pods -n shop -l app=nginx -L app", "APP\n.* nginx\n");
  Good("get pods -A --field-selector=status.phase=Pending",
       "payments +fraud-model-.* +0/1 +Pending");
  Good("get pods -A --field-selector=spec.nodeName=node-4", "infra +node-agent-");
  Good("get all -n shop",
       "pod/nginx-(.*\n)+(.*)service/nginx (.*\n)+(.*)deployment.apps/nginx "
       "(.*\n)+(.*)replicaset.apps/nginx-(.*\n)+(.*)statefulset.apps/redis");
  Good("get ns", "shop +Active +33d");
  Good("get --raw /api/v1/namespaces/shop/pods?limit=1", "\"remainingItemCount\"");
  Good("get --raw /livez", "^ok");
  const auto watched = session_->Run("get pods -n shop -l app=nginx -w --request-timeout=5s");
  EXPECT_THAT(watched.text, ContainsRegex("NAME .*\nnginx-"));
  Bad("get pod -n shop absent", "Error from server (NotFound): pods \"absent\" not found");
  Bad("get gadgets", "the server doesn't have a resource type \"gadgets\"");
  Good("get pods -n nowhere", "No resources found in nowhere namespace.");
  Good("api-resources --api-group=apps", "deployments +deploy +apps/v1 +true +Deployment");
  Good("api-versions", "autoscaling/v2\n");
  Good("cluster-info", "is running at");
  Good("version", "v1\\.32");
}

TEST_F(VerbTest, DescribeShowsWhatIsWrong) {
  Good("describe pod -n shop -l app=checkout",
       "Last State: +Terminated\n +Reason: +Error\n +Exit Code: +1");
  Good("describe node node-4",
       "Ready +Unknown .* NodeStatusUnknown +Kubelet stopped posting node status\\.");
  Good("describe node node-2", "Allocated resources:(.*\n)+.*cpu +[0-9]+m \\([0-9]+%\\)");
  Good("describe deploy -n payments payment-api", "Progressing +False +ProgressDeadlineExceeded");
  Good("describe rs -n shop -l app=nginx", "Controlled By: +Deployment/nginx");
  Good("describe sts -n shop redis", "Volume Claims:(.*\n)+.*Name: +data");
  Good("describe ds -n infra node-agent", "Desired Number of Nodes Scheduled: 4");
  Good("describe svc -n shop nginx", "Endpoints: +10\\.");
  Good("describe ing -n shop shop", "shop.example.com");
  Good("describe pvc -n payments reports-data",
       "ProvisioningFailed.*storageclass.storage.k8s.io \"fast-ssd\" not found");
  Good("describe pv", "Claim: +(shop|payments)/data-");
  Good("describe hpa -n shop frontend", "FailedGetResourceMetric");
  Good("describe cm -n shop", "Data\n====");
  Good("describe secret -n shop checkout-db", "password: +[0-9]+ bytes");
  if (AtLeast(21))
    Good("describe cronjob -n payments settle-accounts", "Schedule: +\\*/30 \\* \\* \\* \\*");
  Good("describe job -n payments migrate-schema", "BackoffLimitExceeded");
  Good("describe ns shop", "Status: +Active");
  Good("describe sa -n shop default", "Name: +default");
  Good("describe clusterrole view", "PolicyRule:");
  Good("describe sc", "Provisioner:");
  Bad("describe pod -n shop absent", "pods \"absent\" not found");
}

TEST_F(VerbTest, LogsAreReadInEveryWay) {
  Good("logs -n shop deploy/checkout --tail=3", "starting|failed");
  Good("logs -n shop deploy/checkout --previous --timestamps",
       "20[0-9-]+T[0-9:.]+Z .*password authentication failed");
  Good("logs -n shop -l app=nginx --tail=1", "\n.+\n");
  Good("logs -n shop -l app=nginx --tail=1 --prefix", "\\[pod/nginx-.*/nginx\\] ");
  Good("logs -n shop deploy/nginx --since=10m --all-containers", "");
  Good("logs -n shop -l app=nginx --tail=1 --limit-bytes=20", "^.{1,20}");
  Bad("logs -n shop deploy/cart --previous", "previous terminated container \"cart\" in pod");
  Bad("logs -n payments -l app=fraud-model -c nothing", "container nothing is not valid for pod");
  Bad("logs -n shop absent", "\"absent\" not found");
  ASSERT_EQ(session_
                ->Run("run count --image=busybox:1.36 --restart=Never -- sh -c 'for i in 1 2 3; do "
                      "echo tick $i; sleep 1; done'")
                .code,
            0);
  Becomes("get pod count", "Running|Completed");
  EXPECT_EQ(session_->Run("logs -f count").text, "tick 1\ntick 2\ntick 3\n");
  Good("logs -f count --tail=1", "^tick 3\n$");
}

TEST_F(VerbTest, CreateMakesEveryKindAndRefusesWhatIsWrong) {
  Good("create ns made", "namespace/made created");
  Bad("create ns made", "namespaces \"made\" already exists");
  Good("create deployment web -n made --image=nginx:1.27 --replicas=2 --port=80",
       "deployment.apps/web created");
  Good("create deployment dry -n made --image=nginx --dry-run=client -o yaml", "image: nginx\n");
  Good("create deployment dry -n made --image=nginx --dry-run=server",
       "deployment.apps/dry created \\(server dry run\\)");
  Bad("get deploy -n made dry", "not found");
  Bad("create deployment Bad_Name -n made --image=nginx", "is invalid: metadata.name");
  Good("create job once -n made --image=busybox:1.36 -- sh -c 'echo done'",
       "job.batch/once created");
  if (AtLeast(21)) {
    Good("create cronjob tick -n made --image=busybox:1.36 --schedule='*/5 * * * *' -- date",
         "cronjob.batch/tick created");
    Good("create job manual -n made --from=cronjob/tick", "job.batch/manual created");
    Bad("create cronjob bad -n made --image=busybox --schedule='every minute' -- date",
        "Invalid value: \"every minute\"");
    Good("create pdb keep -n made --selector=app=web --min-available=1",
         "poddisruptionbudget.policy/keep created");
  }
  Good("create cm settings -n made --from-literal=a=1", "configmap/settings created");
  Good("create secret generic s -n made --from-literal=k=v", "secret/s created");
  Good("create secret docker-registry reg -n made --docker-username=u --docker-password=p",
       "secret/reg created");
  Good("create quota limits -n made --hard=pods=20", "resourcequota/limits created");
  Good("create role reader -n made --verb=get,list --resource=pods",
       "role.rbac.authorization.k8s.io/reader created");
  Good("create rolebinding readers -n made --role=reader --user=ann --serviceaccount=made:robot",
       "rolebinding.rbac.authorization.k8s.io/readers created");
  Good("create clusterrole looks --verb=get --resource=nodes", "created");
  Good("create clusterrolebinding looks --clusterrole=looks --group=ops", "created");
  Good("create sa robot -n made", "serviceaccount/robot created");
  if (AtLeast(24)) Good("create token robot -n made", "^[A-Za-z0-9._-]{20,}");
  Good("create service clusterip svc1 -n made --tcp=80:8080", "service/svc1 created");
  Good("create service nodeport svc2 -n made --tcp=80 --node-port=30180", "service/svc2 created");
  Good("create ingress front -n made --rule='a.example.com/*=svc1:80'",
       "ingress.networking.k8s.io/front created");
  Good("create priorityclass urgent --value=1000", "created");
  Good("get quota,role,rolebinding,sa,ing,secret -n made", "kubernetes.io/dockerconfigjson");
  Good("wait -n made --for=condition=complete job/once --timeout=170s",
       "job.batch/once condition met");
}

TEST_F(VerbTest, RunExposeAutoscaleScaleAndSet) {
  Good("create ns sets", "created");
  Good("create deployment web -n sets --image=nginx:1.27 --port=80", "created");
  Good(
      "run once -n sets --image=busybox:1.36 --restart=Never --env=X=1 --labels=a=b --command -- "
      "sh -c 'echo $X'",
      "pod/once created");
  Bad("run once -n sets --image=busybox", "pods \"once\" already exists");
  Good("expose deployment web -n sets --port=80 --target-port=80", "service/web exposed");
  Bad("expose deployment absent -n sets --port=80", "\"absent\" not found");
  Good("autoscale deployment web -n sets --min=1 --max=4 --cpu-percent=70", "autoscaled");
  Good("get hpa -n sets", "web +Deployment/web");
  Good("scale deployment web -n sets --replicas=3", "scaled");
  Bad("scale deployment web -n sets --replicas=4 --current-replicas=9",
      "Expected replicas to be 9, was 3");
  Bad("scale deployment absent -n sets --replicas=1", "\"absent\" not found");
  Good("rollout status deployment/web -n sets --timeout=170s", "successfully rolled out");
  Good("set env deployment/web -n sets MODE=fast", "env updated");
  Good("set env deployment/web -n sets --list", "MODE=fast");
  Good("set resources deployment/web -n sets --requests=cpu=10m --limits=memory=64Mi",
       "resource requirements updated");
  Good("set image deployment/web -n sets nginx=nginx:1.26.2", "image updated");
  Bad("set image deployment/web -n sets nosuch=nginx:1", "unable to find container named");
  Good("set serviceaccount deployment/web -n sets default", "serviceaccount updated");
  Good("rollout status deployment/web -n sets --timeout=170s", "successfully rolled out");
  Becomes("get endpoints -n sets web", "10\\.244\\.[0-9.]+:80");
}

TEST_F(VerbTest, RolloutsHaveAHistoryAndGoBack) {
  Good("rollout history -n shop deployment/nginx",
       "1 +first release(.*\n)+3 +nginx 1.27.2: security update");
  Good("rollout history -n shop deployment/nginx --revision=2", "Image:\tnginx:1.26.2");
  Bad("rollout history -n shop deployment/nginx --revision=99",
      "unable to find the specified revision");
  Good("rollout undo -n shop deployment/nginx", "rolled back");
  Good("rollout status -n shop deployment/nginx --timeout=170s", "successfully rolled out");
  Good("get deploy -n shop nginx -o jsonpath='{..image}'", "nginx:1.26.2");
  Good("rollout history -n shop deployment/nginx", "4 +");
  Bad("rollout undo -n shop deployment/nginx --to-revision=77",
      "unable to find specified revision 77 in history");
  Good("rollout undo -n shop deployment/nginx --to-revision=3", "rolled back");
  Good("rollout pause -n shop deployment/nginx", "paused");
  Bad("rollout pause -n shop deployment/nginx", "is already paused");
  Bad("rollout undo -n shop deployment/nginx", "cannot rollback a paused deployment");
  Good("rollout resume -n shop deployment/nginx", "resumed");
  Good("rollout restart -n infra daemonset/node-agent", "restarted");
  Good("rollout history -n infra daemonset/node-agent", "REVISION +CHANGE-CAUSE");
  Good("rollout restart -n shop statefulset/redis", "restarted");
  Good("rollout status -n shop statefulset/redis --timeout=170s", "roll");
}

constexpr const char* kWeb =
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: app}\nspec: "
    "{replicas: 1, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, "
    "spec: "
    "{containers: [{name: web, image: 'nginx:1.27.2'}]}}}\n";

TEST_F(VerbTest, ApplyDiffPatchReplaceAndEdit) {
  Good("create ns app", "created");
  session_->Write("web.yaml", kWeb);
  Good("apply -f web.yaml --dry-run=server", "created \\(server dry run\\)");
  Good("apply -f web.yaml", "deployment.apps/web created");
  Good("apply -f web.yaml", "unchanged");
  session_->Write("web2.yaml", std::string(kWeb).replace(std::string(kWeb).find("replicas: 1"), 11,
                                                         "replicas: 2"));
  const auto diff = session_->Run("diff -f web2.yaml");
  EXPECT_EQ(diff.code, 1) << diff.text;
  EXPECT_THAT(diff.text, ContainsRegex("-  replicas: 1\n\\+  replicas: 2"));
  Good("apply -f web2.yaml", "configured");
  Good("apply view-last-applied -n app deploy/web", "replicas: 2");
  Good("apply --server-side -f web2.yaml --force-conflicts", "serverside-applied");
  Bad("apply --server-side -f web.yaml --field-manager=other", "conflict");
  Good("create cm p -n app --from-literal=a=1", "created");
  Good("patch -n app cm p -p '{\"data\":{\"b\":\"2\"}}'", "patched");
  Good("patch -n app cm p --type=merge -p '{\"data\":{\"b\":null}}'", "patched");
  Good("patch -n app cm p --type=json -p '[{\"op\":\"add\",\"path\":\"/data/c\",\"value\":\"3\"}]'",
       "patched");
  Bad("patch -n app cm p --type=json -p '[{\"op\":\"test\",\"path\":\"/data/c\",\"value\":\"9\"}]'",
      AtLeast(25) ? "the server rejected our request due to an error in our request"
                  : "The request is invalid");
  Good("get cm -n app p -o jsonpath='{.data}'", "\\{\"a\":\"1\",\"c\":\"3\"\\}");
  session_->Write(
      "p.yaml",
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: p, namespace: app}\ndata: {z: before}\n");
  Good("replace -f p.yaml", "configmap/p replaced");
  const auto edited = session_->Run("edit -n app cm p", "KUBE_EDITOR='sed -i s/before/after/'");
  EXPECT_THAT(edited.text, HasSubstr("configmap/p edited"));
  EXPECT_THAT(session_->Run("edit -n app cm p", "KUBE_EDITOR=true").text,
              HasSubstr("Edit cancelled, no changes made."));
  Good("get cm -n app p -o jsonpath='{.data.z}'", "^after$");
  session_->Write("two.yaml",
                  "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one, namespace: app, labels: "
                  "{set: x}}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: two, "
                  "namespace: app, labels: {set: x}}\n");
  session_->Write(
      "one.yaml",
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one, namespace: app, labels: {set: x}}\n");
  Good("apply -f two.yaml", "configmap/two created");
  if (AtLeast(25)) Good("apply -f one.yaml --prune -l set=x -n app", "configmap/two pruned");
  session_->Write("broken.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x\n");
  Bad("apply -f broken.yaml", "error");
  session_->Write("unknown.yaml",
                  "apiVersion: v1\nkind: Pod\nmetadata: {name: x, namespace: app}\nspec: "
                  "{containers: [{name: c, image: nginx, imag: y}]}\n");
  Bad("apply -f unknown.yaml", "unknown field");
}

TEST_F(VerbTest, LabelsAnnotationsTaintsAndExplanations) {
  Good("label ns shop tier=gold", "namespace/shop labeled");
  Bad("label ns shop tier=iron", "--overwrite is false");
  Good("label ns shop tier=iron --overwrite", "labeled");
  Good("label ns shop tier-", "namespace/shop (un)?labeled");
  Good("annotate ns shop note='some words'", "annotated");
  Good("taint node node-3 special=true:PreferNoSchedule", "tainted");
  Good("describe node node-3", "Taints: +special=true:PreferNoSchedule");
  Good("taint node node-3 special-", "untainted");
  Bad("taint node node-3 special-", "not found");
  Good("explain pod.spec.containers.image", "image");
  Good("explain deployment.spec", "replicas");
  Bad("explain pod.spec.nosuch", "field \"nosuch\" does not exist");
}

TEST_F(VerbTest, WhoMayDoWhat) {
  Good("auth can-i create pods", "yes");
  EXPECT_THAT(session_->Run("auth can-i delete nodes --as=ann").text, HasSubstr("no"));
  Good("auth can-i --list -n shop", "\\*\\.\\*");
  Bad("get pods -n shop --as=ann",
      "pods is forbidden: User \"ann\" cannot list resource \"pods\" in API group \"\" in the "
      "namespace \"shop\"");
  Bad("delete node node-3 --as=ann",
      "nodes \"node-3\" is forbidden: User \"ann\" cannot delete resource \"nodes\" in API group "
      "\"\" at the cluster scope");
  Good("create rolebinding ann-views -n shop --clusterrole=view --user=ann", "created");
  Good("get pods -n shop --as=ann", "nginx-");
  Bad("get secrets -n shop --as=ann", "cannot list resource \"secrets\"");
  if (AtLeast(27)) Good("auth whoami", "kubernetes-admin");
}

TEST_F(VerbTest, NodesAreCordonedAndDrainedWithinBudgets) {
  Good("create ns drained", "created");
  Good("create deployment app -n drained --image=nginx:1.27 --replicas=2", "created");
  Good("rollout status deployment/app -n drained --timeout=170s", "successfully rolled out");
  Good("cordon node-2", "node/node-2 cordoned");
  Good("cordon node-2", "already cordoned");
  Good("get node node-2", "Ready,SchedulingDisabled");
  Bad("drain node-2", "cannot delete DaemonSet-managed Pods");
  session_->Write(
      "pdb.yaml",
      "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: all, namespace: "
      "drained}\nspec: {minAvailable: 2, selector: {matchLabels: {app: app}}}\n");
  Good("apply -f pdb.yaml", "created");
  Becomes("get pdb -n drained all", "all +2 +N/A +0");
  // All of them stand still: none may go.
  Good("cordon node-3", "cordoned");
  const auto blocked = session_->Run(
      "drain node-2 node-3 --ignore-daemonsets --delete-emptydir-data --force "
      "--pod-selector=app=app --timeout=8s");
  EXPECT_NE(blocked.code, 0);
  EXPECT_THAT(blocked.text,
              HasSubstr("Cannot evict pod as it would violate the pod's disruption budget."));
  Good("delete pdb all -n drained", "deleted");
  Good("uncordon node-3", "uncordoned");
  Good(
      "drain node-2 --ignore-daemonsets --delete-emptydir-data --force --pod-selector=app=app "
      "--timeout=170s",
      "node/node-2 (drained|evicted)");
  Becomes("get deploy -n drained app", "2/2");
  EXPECT_THAT(session_->Run("get pods -n drained -o wide").text, Not(HasSubstr("node-2")));
  Good("uncordon node-2", "uncordoned");
}

TEST_F(VerbTest, DeletionPropagatesAsAskedFor) {
  Good("create ns gone", "created");
  for (const char* name : {"back", "fore", "orphan"})
    Good(std::string("create deployment ") + name + " -n gone --image=nginx:1.27", "created");
  Becomes("get pods -n gone",
          "back-.*1/1 +Running(.*\n)+.*fore-.*1/1 +Running(.*\n)+.*orphan-.*1/1 +Running");
  const char* background = AtLeast(20) ? "--cascade=background" : "";
  Good(std::string("delete deployment back -n gone ") + background, "deleted");
  Becomes("get rs -n gone -l app=back", "No resources found");
  Good("delete deployment fore -n gone --cascade=foreground --timeout=170s", "deleted");
  Good("get rs,pods -n gone -l app=fore", "No resources found");
  Good("delete deployment orphan -n gone --cascade=orphan", "deleted");
  Good("get rs -n gone -l app=orphan", "orphan-");
  Good("delete pod -n gone -l app=orphan --wait=false", "deleted");
  Becomes("get pods -n gone -l app=orphan", "1/1 +Running");
  Bad("delete pod absent -n gone", "pods \"absent\" not found");
  Good("delete pod absent -n gone --ignore-not-found", "");
  Good("delete rs -n gone -l app=orphan --dry-run=server", "deleted \\(server dry run\\)");
  Good("delete all --all -n gone", "deleted");
  Good("delete ns gone --timeout=170s", "namespace \"gone\" deleted");
  Bad("get ns gone", "not found");
}

TEST_F(VerbTest, WaitsTopsAndEvents) {
  Good("create ns waits", "created");
  Good("create deployment app -n waits --image=nginx:1.27", "created");
  Good("wait -n waits --for=condition=Available deployment/app --timeout=170s", "condition met");
  if (AtLeast(23))
    Good("wait -n waits --for=jsonpath='{.status.readyReplicas}'=1 deployment/app --timeout=170s",
         "condition met");
  Bad("wait -n waits --for=condition=Progressing=false deployment/app --timeout=3s",
      "timed out waiting for the condition");
  Good("delete deployment app -n waits --wait=false", "deleted");
  Good("wait -n waits --for=delete pod -l app=app --timeout=170s",
       "condition met|no matching resources found|^$|deleted");
  Good("top pods -n shop", "nginx-[a-z0-9-]+ +[0-9]+m +[0-9]+Mi");
  Good("top pods -n shop --containers", "nginx-[a-z0-9-]+ +nginx +[0-9]+m");
  Good("top nodes", "node-2 +[0-9]+m +[0-9]+% +[0-9]+Mi +[0-9]+%");
  Good("get events -n shop --field-selector=type=Warning",
       "Back-off restarting failed container checkout in pod checkout-");
  if (AtLeast(26)) Good("events -n shop --types=Warning", "BackOff +Pod/checkout-");
}

}  // namespace
}  // namespace opsmesh::kubesim
