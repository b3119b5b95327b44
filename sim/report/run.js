// The run: what the page was told, and what follows from it.

const run = JSON.parse(document.getElementById("run").textContent);
const events = run.Events;
const eventCount = events.At ? events.At.length : 0;
const proof = (run.Summary.Proof || []).map((p) => p.Number);

const kindOf = (i) => run.Kinds[events.Kind[i]];
const textOf = (i) => run.Texts[events.Text[i]];
const name = (replica) => (replica ? "r" + replica : "");
const seconds = (t) => (t / 1e6).toFixed(6); // as the trace is printed
const ms = (t) => (t / 1000).toFixed(3) + " ms"; // how long something lasts
const endOf = (t) => (t < 0 ? run.Until : t);

// Groups of kinds can be shown and hidden together.
const groupNames = ["messages", "disk", "operations", "roles", "processes", "links", "faults", "supervisor", "notes"];
const groupOfKind = {
  sent: 0, arrived: 0, lost: 0, stepped: 1, synced: 1, stored: 1, called: 2, tried: 2, returned: 2, role: 3,
  booted: 4, crashed: 4, failed: 4, stopped: 4, paused: 4, resumed: 4, "plugin up": 4, "plugin down": 4,
  "link up": 5, "link down": 5, cut: 5, healed: 5, fault: 6, "fault over": 6, ordered: 7, decided: 7,
};
const groupByKind = (run.Kinds || []).map((k) => (k in groupOfKind ? groupOfKind[k] : 8));
const groupOf = (i) => groupByKind[events.Kind[i]];

const opByNumber = new Map(run.Ops.map((o) => [o.N, o]));

// mates: the other events of the same message.
const mates = new Map();
for (const [from, to] of run.Messages || []) {
  if (from < 0 || to < 0) continue;
  mates.set(from, [...(mates.get(from) || []), to]);
  mates.set(to, [from]);
}

// opTries gives every request of an operation; one of a single try has itself.
const opTries = (o) => o.Tries || [o];

const opEnd = (o) => (o.Return < 0 ? o.Call : o.Return);

function opTook(o) {
  return o.Return < 0 ? "no answer" : ms(o.Return - o.Call);
}

function opText(o) {
  const session = o.Session ? "s" + o.Session + " " : "";
  return `#${o.N} ${session}${o.What} at ${name(o.Replica)}: ${o.Outcome} ${o.Answer || ""}`.trimEnd();
}

// Beside the replicas' columns there is one for what concerns the cluster
// whole, and one for the supervisor, if there is anything to put there.
const isOrder = (i) => groupOf(i) === 7;
const clusterColumn = "cluster";
const supervisorColumn = "supervisor";
const columnOf = (i) => (isOrder(i) ? supervisorColumn : events.Replica[i] || clusterColumn);
const extraColumns = [clusterColumn, supervisorColumn].filter((column) => {
  for (let i = 0; i < eventCount; i++) if (columnOf(i) === column) return true;
  return false;
});

function eventText(i) {
  const op = events.Op[i] ? `#${events.Op[i]} ` : "";
  const peer = events.Peer[i];
  const arrow = { sent: "to ", arrived: "from ", lost: "from " }[kindOf(i)] || "";
  return `${op}${peer ? arrow + name(peer) + " " : ""}${textOf(i)}`;
}

// The filter: words that must all be found, and which replicas and groups show.
const filter = {
  words: [],
  text: "",
  groups: groupNames.map(() => true),
  lanes: run.Lanes.slice(),
  laneSet: new Set(run.Lanes),
  shown: new Uint8Array(eventCount), // its replica and its group show
  hit: new Uint8Array(eventCount), // and all words are found
  hits: [], // indices of these
  ops: [], // that are found
};

const isExact = (word) => /^(#\d+|s\d+|r\d+)$/.test(word);

function eventHas(i, word) {
  if (!isExact(word)) return (kindOf(i) + " " + eventText(i)).toLowerCase().includes(word);
  const n = Number(word.slice(1));
  if (word[0] === "#") return events.Op[i] === n;
  if (word[0] === "r") return events.Replica[i] === n || events.Peer[i] === n;
  const op = opByNumber.get(events.Op[i]);
  return op !== undefined && op.Session === n;
}

function opHas(o, word) {
  if (!isExact(word)) return (opText(o) + " " + (o.More || "")).toLowerCase().includes(word);
  const n = Number(word.slice(1));
  if (word[0] === "#") return o.N === n;
  if (word[0] === "s") return o.Session === n;
  return opTries(o).some((t) => t.Replica === n);
}

function applyFilter() {
  filter.words = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
  filter.laneSet = new Set(filter.lanes);
  filter.hits = [];
  for (let i = 0; i < eventCount; i++) {
    const r = events.Replica[i];
    const shown = filter.groups[groupOf(i)] && (r === 0 || filter.laneSet.has(r));
    const hit = shown && filter.words.every((w) => eventHas(i, w));
    filter.shown[i] = shown ? 1 : 0;
    filter.hit[i] = hit ? 1 : 0;
    if (hit) filter.hits.push(i);
  }
  filter.ops = run.Ops.filter((o) => opTries(o).some((t) => filter.laneSet.has(t.Replica)) && filter.words.every((w) => opHas(o, w)));
  filter.opHits = new Set(filter.ops.map((o) => o.N));
}

// parseLanes reads "r1 r3 5-9" or "all".
function parseLanes(text) {
  const lanes = new Set();
  for (const part of text.toLowerCase().split(/[\s,]+/).filter(Boolean)) {
    const range = part === "all" ? [0, 1, run.Replicas] : /^r?(\d+)(?:-r?(\d+))?$/.exec(part);
    if (!range) continue;
    const last = Math.min(Number(range[2] || range[1]), run.Replicas);
    for (let r = Math.max(1, Number(range[1])); r <= last; r++) lanes.add(r);
  }
  return [...lanes].sort((a, b) => a - b);
}

function lanesText(lanes) {
  if (lanes.length === run.Replicas) return "all";
  const parts = [];
  for (let i = 0; i < lanes.length; i++) {
    const from = lanes[i];
    while (lanes[i + 1] === lanes[i] + 1) i++;
    parts.push(from === lanes[i] ? "r" + from : `r${from}-${lanes[i]}`);
  }
  return parts.join(" ");
}
