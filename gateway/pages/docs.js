// The page at "/docs": renders /api/v1/openapi.json. Text only, no markup from the document.
const $ = (id) => document.getElementById(id);
let openapi = null;

function element(tag, text, className) {
  const node = document.createElement(tag);
  if (text !== undefined) node.textContent = text;
  if (className) node.className = className;
  return node;
}

function resolve(schema) {
  return schema && schema.$ref ? schema.$ref.split('/').slice(1).reduce((at, key) => at[key], openapi) : schema;
}

function typeName(schema) {
  if (!schema) return '';
  if (schema.$ref) return schema.$ref.split('/').pop();
  if (schema.enum) return schema.enum.filter((name) => name !== null).join(' | ');
  if (schema.type === 'array') return `${typeName(schema.items)}[]`;
  if (schema.type === 'object' && schema.additionalProperties) return `map of ${typeName(schema.additionalProperties)}`;
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  return schema.format ? `${type} (${schema.format})` : type || 'any';
}

function example(schema, depth = 0) {
  const whole = resolve(schema) || {};
  if (whole.enum) return whole.enum.find((name) => name && !name.endsWith('UNSPECIFIED')) || '';
  const type = Array.isArray(whole.type) ? whole.type[0] : whole.type;
  if (type === 'object') {
    if (depth > 2) return {};
    const required = new Set(whole.required || []);
    const entries = Object.entries(whole.properties || {}).filter(([name]) => required.size === 0 || required.has(name));
    return Object.fromEntries(entries.slice(0, 6).map(([name, value]) => [name, example(value, depth + 1)]));
  }
  if (type === 'array') return [];
  if (type === 'integer' || type === 'number') return 0;
  if (type === 'boolean') return false;
  if (whole.format === 'date-time') return '2025-01-21T10:30:00Z';
  return type === 'string' ? 'text' : {};
}

function fields(rows) {
  const table = element('table');
  for (const [name, type, required, text] of rows) {
    const row = element('tr');
    row.append(element('th', name + (required ? ' *' : '')), element('td', type), element('td', text || ''));
    table.append(row);
  }
  return table;
}

function properties(schema) {
  const whole = resolve(schema) || {};
  const required = new Set(whole.required || []);
  return Object.entries(whole.properties || {}).map(([name, value]) => [name, typeName(value), required.has(name), value.description]);
}

function curl(method, path, operation) {
  const url = location.origin + path.replace(/{(\w+)}/g, (_, name) => name.toUpperCase());
  const body = operation.requestBody && operation.requestBody.content['application/json'];
  const stream = operation.responses['200'].content['text/event-stream'] ? ' -N' : '';
  const data = body ? ` \\\n  -H 'Content-Type: application/json' -d '${JSON.stringify(example(body.schema))}'` : '';
  return `curl${stream} -X ${method.toUpperCase()} '${url}'${data}`;
}

function section(title, node) {
  const box = element('div');
  box.append(element('h3', title), node);
  return box;
}

function operationCard(path, method, operation) {
  const details = element('details', undefined, 'operation');
  const summary = element('summary');
  summary.append(element('span', method.toUpperCase(), 'verb'), `${path} `, element('span', operation.summary, 'tools'));
  details.append(summary);
  // Filled when opened: a contract has hundreds of schemas.
  details.ontoggle = () => {
    if (details.childElementCount > 1) return;
    const body = element('div', undefined, 'body');
    body.append(element('p', operation.description));
    if (operation.parameters) {
      body.append(section('Parameters', fields(operation.parameters.map(
        (p) => [p.name, `${typeName(p.schema)}, ${p.in}`, p.required, p.description]))));
    }
    const request = operation.requestBody && operation.requestBody.content['application/json'];
    if (request) body.append(section(`Body: ${typeName(request.schema)}`, fields(properties(request.schema))));
    for (const [media, content] of Object.entries(operation.responses['200'].content)) {
      body.append(section(`Answer (${media}): ${typeName(content.schema)}`, fields(properties(content.schema))));
    }
    body.append(section('Try', element('pre', curl(method, path, operation))));
    details.append(body);
  };
  return details;
}

function show(word) {
  const groups = new Map();
  for (const [path, operations] of Object.entries(openapi.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      const haystack = `${method} ${path} ${operation.description}`.toLowerCase();
      if (!haystack.includes(word.toLowerCase())) continue;
      const tag = operation.tags[0];
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push(operationCard(path, method, operation));
    }
  }
  const nodes = [...groups].sort(([a], [b]) => a.localeCompare(b)).map(([tag, cards]) => {
    const article = element('article');
    article.append(element('h2', tag), ...cards);
    return article;
  });
  $('operations').replaceChildren(...(nodes.length ? nodes : [element('p', 'Nothing matches.')]));
}

$('filter').onsubmit = (submit) => submit.preventDefault();
$('word').oninput = () => openapi && show($('word').value);
try {
  openapi = await (await fetch('/api/v1/openapi.json')).json();
  show('');
} catch {
  $('operations').textContent = 'The document could not be read from /api/v1/openapi.json.';
}
