const [query, count, found] = ['query', 'count', 'found'].map((id) => document.getElementById(id));
const MOST = 40;

function search() {
  const words = query.value.toLowerCase().split(/\s+/).filter(Boolean);
  found.replaceChildren();
  if (!words.length) { count.textContent = ''; return; }
  const hits = [];
  for (const [page, address, heading, text] of INDEX) {
    const head = `${page} ${heading}`.toLowerCase(), body = text.toLowerCase();
    if (!words.every((word) => head.includes(word) || body.includes(word))) continue;
    hits.push([words.filter((word) => head.includes(word)).length, page, address, heading, text]);
  }
  hits.sort((one, other) => other[0] - one[0]);
  count.textContent = `${hits.length} sections${hits.length > MOST ? `, the first ${MOST}` : ''}`;
  for (const [, page, address, heading, text] of hits.slice(0, MOST)) {
    const item = document.createElement('li'), link = document.createElement('a'), shown = document.createElement('div');
    link.href = address;
    link.textContent = page === heading ? page : `${page}: ${heading}`;
    const before = text.slice(0, Math.max(0, text.toLowerCase().indexOf(words[0]) - 60));
    const at = before ? before.lastIndexOf(' ') + 1 : 0;
    shown.className = 'muted';
    shown.textContent = text.slice(at, at + 180).replace(/\s\S*$/, '') + (text.length > at + 180 ? ' …' : '');
    item.append(link, shown);
    found.append(item);
  }
}

query.addEventListener('input', search);
query.value = decodeURIComponent(location.hash.slice(1));
search();
