// The page at "/": a question box over /api/v1/chat/stream. Everything that comes from the server is set as text, never
// as markup: names and logs of a cluster are written by strangers.
const texts = {
  en: { other: '中文', label: 'Ask about the cluster', send: 'Ask', stop: 'Stop', checked: 'checked', missing: 'not checked',
        failed: 'failed', running: 'running', stopped: 'Stopped.', lost: 'The connection broke before the answer was over.',
        why: 'What this answer rests on',
        samples: ['what is wrong in the cluster?', 'list pods in shop', 'how many pods are running?', 'show warning events in payments',
                  'describe deployment cart in shop', '帮我查看集群中有哪些异常的Pod'] },
  zh: { other: 'English', label: '问问集群', send: '提问', stop: '停止', checked: '已检查', missing: '未检查', failed: '失败',
        running: '运行中', stopped: '已停止。', lost: '回答结束之前连接中断了。', why: '这个回答的依据',
        samples: ['帮我查看集群中有哪些异常的Pod', 'shop 命名空间下有哪些服务？', '集群里有多少个 pod 正在运行？', 'payments 命名空间最近的告警事件',
                  '查看所有节点', 'what is wrong in the cluster?'] },
};
const $ = (id) => document.getElementById(id);
let language = (navigator.language || 'en').toLowerCase().startsWith('zh') ? 'zh' : 'en';
let session = null;
let running = null;

function element(tag, text, className) {
  const node = document.createElement(tag);
  if (text !== undefined) node.textContent = text;
  if (className) node.className = className;
  return node;
}

function showTexts() {
  const t = texts[language];
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
  $('language').textContent = t.other;
  $('query-label').textContent = t.label;
  $('send').textContent = t.send;
  $('stop').textContent = t.stop;
  $('samples').replaceChildren(...t.samples.map((sample) => {
    const button = element('button', sample);
    button.type = 'button';
    button.onclick = () => ask(sample);
    return button;
  }));
}

async function showState() {
  try {
    const status = await (await fetch('/status', { headers: { Accept: 'application/json' } })).json();
    const classes = { STATE_OK: 'ok', STATE_DEGRADED: 'part', STATE_DOWN: 'down' };
    $('state').replaceChildren(...(status.components || []).map((component) => {
      const chip = element('span', undefined, 'chip');
      chip.append(element('b', '● ', classes[component.state] || ''), component.name);
      chip.title = component.message;
      return chip;
    }));
    const notices = status.notices || [];
    $('notice').hidden = notices.length === 0;
    $('notice').textContent = notices.join(' ');
  } catch {
    $('state').replaceChildren(element('span', 'OpsMesh does not answer', 'chip down'));
  }
}

// Reads server-sent events; a piece of the body may hold half an event.
async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split('\n\n');
    rest = blocks.pop();
    for (const block of blocks) {
      const data = block.split('\n').filter((line) => line.startsWith('data:')).map((line) => line.slice(5).trimStart());
      if (data.length) yield JSON.parse(data.join('\n'));
    }
  }
}

function ledger(entry) {
  const t = texts[language];
  const details = element('details', undefined, 'ledger');
  details.append(element('summary', t.why));
  const table = element('table');
  for (const [key, name] of [['checked', t.checked], ['not_checked', t.missing], ['failed', t.failed]]) {
    for (const line of entry[key] || []) {
      const row = element('tr');
      const age = line.age_seconds ? ` (${Math.round(line.age_seconds)} s)` : '';
      row.append(element('td', name), element('td', `${line.source}: ${line.subject}${age}`), element('td', line.reason || ''));
      table.append(row);
    }
  }
  details.append(table);
  return details;
}

function showEvent(event, card) {
  if (event.session_id) session = event.session_id;
  if (event.delta) card.answer.textContent += event.delta;
  if (event.tool) {
    const { call_id: id, name, state, duration_ms: ms } = event.tool;
    card.calls.set(id, state === 'started' ? `${name} …` : `${name} ${state === 'failed' ? '✗' : '✓'} ${Math.round(ms || 0)} ms`);
    card.tools.textContent = [...card.calls.values()].join(' · ');
  }
  if (!event.done) return;
  if (event.response) card.answer.textContent = event.response;
  if (event.error) card.article.append(element('p', event.error, 'error'));
  if (event.ledger) card.article.append(ledger(event.ledger));
}

async function ask(query) {
  if (running) running.abort();
  const control = (running = new AbortController());
  const card = { article: element('article'), answer: element('pre'), tools: element('p', '', 'tools'), calls: new Map() };
  card.article.append(element('h2', query), card.answer, card.tools);
  $('conversation').append(card.article);
  $('stop').hidden = false;
  let done = false;
  try {
    const response = await fetch('/api/v1/chat/stream', {
      method: 'POST', signal: control.signal,
      headers: { 'Content-Type': 'application/json', Accept: 'text/event-stream' },
      body: JSON.stringify({ query, session_id: session, stream: true }),
    });
    if (!response.ok) {
      const { error } = await response.json();
      throw new Error([error.message, error.hint].filter(Boolean).join(' '));
    }
    for await (const event of events(response.body)) {
      showEvent(event, card);
      done = done || Boolean(event.done);
    }
    if (!done) card.article.append(element('p', texts[language].lost, 'error'));
  } catch (error) {
    card.article.append(element('p', control.signal.aborted ? texts[language].stopped : error.message, 'error'));
  } finally {
    if (running === control) {
      running = null;
      $('stop').hidden = true;
    }
    card.article.scrollIntoView({ block: 'nearest' });
  }
}

$('ask').onsubmit = (submit) => {
  submit.preventDefault();
  const query = $('query').value.trim();
  $('query').value = '';
  if (query) ask(query);
};
$('stop').onclick = () => running && running.abort();
$('language').onclick = () => {
  language = language === 'zh' ? 'en' : 'zh';
  showTexts();
};
showTexts();
showState();
setInterval(showState, 15000);
