// What a user of @kubernetes/client-node does, against the cluster of KUBECONFIG. Prints "ok NAME" or "FAILED NAME: why" a check.
// Environment: CLIENT_NODE, the client's folder; KUBECONFIG.
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { setTimeout as after } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

const k8s = await import(pathToFileURL(process.env.CLIENT_NODE + '/dist/index.js'));
const config = new k8s.KubeConfig();
config.loadFromFile(process.env.KUBECONFIG);
const core = config.makeApiClient(k8s.CoreV1Api);
const apps = config.makeApiClient(k8s.AppsV1Api);
const access = config.makeApiClient(k8s.AuthorizationV1Api);
const LIMIT_MS = 120000;
const namespace = 'default';

function within(promise, what) {
  return Promise.race([promise, after(LIMIT_MS, null, { ref: false }).then(() => { throw new Error(`${what}: not within ${LIMIT_MS} ms`); })]);
}

async function refused(promise, code, reason) {
  const error = await promise.then(() => null, (caught) => caught);
  assert.ok(error, 'this should have failed');
  assert.equal(error.code, code, String(error));
  const body = typeof error.body === 'string' ? JSON.parse(error.body) : error.body;
  assert.equal(body.reason, reason);
  assert.equal(body.code, code);
  return body;
}

/** Resolves when `condition` holds, asked again at each `poke()`. */
function condition(test) {
  let resolve;
  const met = new Promise((done) => { resolve = done; });
  return { met, poke: () => { if (test()) resolve(); } };
}

function ticker(name) {
  return { metadata: { name, labels: { app: name } },
           spec: { containers: [{ name: 'main', image: 'busybox:1.36', command: ['sh', '-c', 'i=0; while true; do echo "tick $i"; i=$((i+1)); sleep 1; done'] }] } };
}

const checks = {
  async 'lists typed objects, with dates, selectors and pages'() {
    for (let triesLeft = 2; ; --triesLeft) {  // A CronJob may make a pod between one list and the next.
      const all = await core.listPodForAllNamespaces();
      assert.ok(all.items.length > 10);
      assert.ok(all.items[0].metadata.creationTimestamp instanceof Date);
      assert.ok(all.items.every((pod) => pod.spec.containers[0].image));
      const names = [];
      let next;
      do {
        const page = await core.listPodForAllNamespaces({ limit: 7, _continue: next });
        assert.ok(page.items.length <= 7);
        names.push(...page.items.map((pod) => pod.metadata.uid));
        next = page.metadata._continue;
      } while (next);
      const pending = await core.listPodForAllNamespaces({ fieldSelector: 'status.phase=Pending' });
      try {
        assert.deepEqual(names.sort(), all.items.map((pod) => pod.metadata.uid).sort());
        assert.equal(pending.items.length, all.items.filter((pod) => pod.status.phase === 'Pending').length);
        break;
      } catch (error) {
        if (triesLeft === 0) throw error;
      }
    }
    assert.ok((await core.listNode()).items.length >= 1);
    assert.ok((await apps.listNamespacedDeployment({ namespace: 'shop' })).items.every((one) => one.spec.replicas >= 0));
  },

  async 'an informer sees what is there, then an add, a change and a delete'() {
    const label = 'client=informer';
    const body = (name) => ({ metadata: { name, labels: { client: 'informer' } }, data: { step: '1' } });
    await core.createNamespacedConfigMap({ namespace, body: body('before') });
    const seen = [];
    const list = () => core.listNamespacedConfigMap({ namespace, labelSelector: label });
    const informer = k8s.makeInformer(config, `/api/v1/namespaces/${namespace}/configmaps`, list, label);
    const waits = [];
    for (const verb of ['add', 'update', 'delete']) {
      informer.on(verb, (object) => { seen.push(`${verb} ${object.metadata.name} ${object.data.step}`); waits.forEach((one) => one.poke()); });
    }
    const saw = async (text) => { const one = condition(() => seen.includes(text)); waits.push(one); one.poke(); await within(one.met, text + ' in ' + seen); };
    await informer.start();
    try {
      await saw('add before 1');
      await core.createNamespacedConfigMap({ namespace, body: body('later') });
      await saw('add later 1');
      await core.patchNamespacedConfigMap({ name: 'later', namespace, body: { data: { step: '2' } } }, k8s.setHeaderOptions('Content-Type', k8s.PatchStrategy.MergePatch));
      await saw('update later 2');
      await core.deleteNamespacedConfigMap({ name: 'later', namespace });
      await saw('delete later 2');
      assert.deepEqual(informer.list(namespace).map((one) => one.metadata.name), ['before']);
      assert.equal(new Set(seen).size, seen.length, 'nothing is told twice: ' + seen);
    } finally {
      await informer.stop();
    }
  },

  async 'a watch from a resourceVersion tells what came after it, in order'() {
    const since = (await core.listNamespacedConfigMap({ namespace })).metadata.resourceVersion;
    for (const step of ['a', 'b', 'c']) await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'seen-' + step } } });
    const seen = [];
    const three = condition(() => seen.length >= 3);
    const controller = await new k8s.Watch(config).watch(`/api/v1/namespaces/${namespace}/configmaps`, { resourceVersion: since },
      (type, object) => { seen.push([type, object.metadata.name]); three.poke(); }, () => {});
    await within(three.met, 'three events');
    controller.abort();
    assert.deepEqual(seen, [['ADDED', 'seen-a'], ['ADDED', 'seen-b'], ['ADDED', 'seen-c']]);
  },

  async 'creates, patches in four ways, replaces, scales and deletes'() {
    const labels = { app: 'web' };
    const made = await apps.createNamespacedDeployment({ namespace, body: {
      metadata: { name: 'web' },
      spec: { replicas: 1, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'nginx:1.26.2' }] } } } } });
    assert.equal(made.spec.strategy.type, 'RollingUpdate');
    const target = { name: 'web', namespace };
    const patch = (body, strategy, more = {}) => apps.patchNamespacedDeployment({ ...target, body, ...more }, k8s.setHeaderOptions('Content-Type', strategy));
    assert.equal((await patch({ metadata: { labels: { tier: 'front' } } }, k8s.PatchStrategy.MergePatch)).metadata.labels.tier, 'front');
    const strategic = await patch({ spec: { template: { spec: { containers: [{ name: 'web', image: 'nginx:1.27.3' }] } } } }, k8s.PatchStrategy.StrategicMergePatch);
    assert.deepEqual(strategic.spec.template.spec.containers.map((one) => one.image), ['nginx:1.27.3']);
    const jsonPatched = await patch([{ op: 'test', path: '/metadata/labels/tier', value: 'front' }, { op: 'remove', path: '/metadata/labels/tier' }], k8s.PatchStrategy.JsonPatch);
    assert.equal(jsonPatched.metadata.labels?.tier, undefined);
    const applied = await patch({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', annotations: { note: 'applied' } } },
      k8s.PatchStrategy.ServerSideApply, { fieldManager: 'node-test' });
    assert.equal(applied.metadata.annotations.note, 'applied');
    const scale = await apps.readNamespacedDeploymentScale(target);
    scale.spec.replicas = 2;
    delete scale.metadata.resourceVersion;  // Whatever the controllers wrote meanwhile.
    assert.equal((await apps.replaceNamespacedDeploymentScale({ ...target, body: scale })).spec.replicas, 2);
    await apps.deleteNamespacedDeployment(target);
    await refused(apps.readNamespacedDeployment(target), 404, 'NotFound');
  },

  async 'follows the log of a pod as it is written'() {
    await core.createNamespacedPod({ namespace, body: ticker('ticker') });
    const end = Date.now() + LIMIT_MS;
    while ((await core.readNamespacedPod({ name: 'ticker', namespace })).status.phase !== 'Running') {
      assert.ok(Date.now() < end, 'the pod does not run');
      await after(100);
    }
    const stream = new PassThrough();
    let text = '';
    const ticks = condition(() => text.split('\n').length > 3);
    stream.on('data', (chunk) => { text += chunk; ticks.poke(); });
    const ended = new Promise((resolve) => stream.on('end', resolve));
    await new k8s.Log(config).log(namespace, 'ticker', 'main', stream, { follow: true });
    await within(ticks.met, 'three lines');
    assert.deepEqual(text.split('\n').slice(0, 3), ['tick 0', 'tick 1', 'tick 2']);
    const last = await core.readNamespacedPodLog({ name: 'ticker', namespace, tailLines: 1 });
    assert.match(last, /^tick \d+\n$/);
    await core.deleteNamespacedPod({ name: 'ticker', namespace, gracePeriodSeconds: 0 });
    await within(ended, 'the end of the log with its pod');
  },

  async 'runs a command in a container'() {
    const [pod] = (await core.listNamespacedPod({ namespace: 'shop', labelSelector: 'app=nginx' })).items;
    const stdout = new PassThrough();
    let text = '';
    stdout.on('data', (chunk) => { text += chunk; });
    const status = await new Promise((resolve, reject) => {
      new k8s.Exec(config).exec('shop', pod.metadata.name, 'nginx', ['sh', '-c', 'hostname; exit 4'], stdout, null, null, false, resolve).catch(reject);
    });
    assert.equal(text, pod.metadata.name + '\n');
    assert.deepEqual([status.status, status.reason, status.details.causes[0].message], ['Failure', 'NonZeroExitCode', '4']);
  },

  async 'errors carry status, reason and causes'() {
    await refused(core.readNamespacedPod({ name: 'none', namespace }), 404, 'NotFound');
    await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'twice' } } });
    await refused(core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'twice' } } }), 409, 'AlreadyExists');
    const invalid = await refused(core.createNamespacedPod({ namespace, body: { metadata: { name: 'Bad_Name' }, spec: { containers: [] } } }), 422, 'Invalid');
    assert.ok(invalid.details.causes.some((cause) => cause.field === 'metadata.name'));
    const stale = await core.readNamespacedConfigMap({ name: 'twice', namespace });
    await core.patchNamespacedConfigMap({ name: 'twice', namespace, body: { data: { a: 'b' } } }, k8s.setHeaderOptions('Content-Type', k8s.PatchStrategy.MergePatch));
    await refused(core.replaceNamespacedConfigMap({ name: 'twice', namespace, body: { ...stale, data: { a: 'c' } } }), 409, 'Conflict');
  },

  async 'asks what it may do'() {
    const review = await access.createSelfSubjectAccessReview({ body: { spec: { resourceAttributes: { verb: 'delete', resource: 'pods', namespace } } } });
    assert.equal(review.status.allowed, true);
  },
};

let failed = 0;
for (const [name, check] of Object.entries(checks)) {
  try {
    await within(check(), name);
    console.log('ok ' + name);
  } catch (error) {
    failed += 1;
    console.log(`FAILED ${name}: ${String(error.stack || error).replaceAll('\n', ' | ')}`);
  }
}
process.exit(failed ? 1 : 0);
