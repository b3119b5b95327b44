// The page: what is selected, and all parts that follow it.

let errors = 0;
window.addEventListener("error", () => (document.documentElement.dataset.errors = String(++errors)));

readInk();
applyFilter();
const diagram = new Diagram();
const opList = new List(els.ops, ["no.", "session", "what", "at", "called, s", "took, ms", "outcome", "answer"], opCells, (n) => go({ op: n }, true));
const traceList = new List(els.trace, ["seconds", "at", "what", "peer", ""], eventCells, (i) => go({ event: i }, true));

// go selects a target and brings it into view.
function go(target, fromList) {
  diagram.selected = target;
  diagram.hovered = null;
  if (target) {
    showLaneOf(target);
    scrollTo(target);
    if (!fromList) reveal(target);
    history.replaceState(null, "", target.op !== undefined ? "#op-" + target.op : target.event !== undefined ? "#event-" + (events.First + target.event + 1) : "#");
  }
  showDetails(target, go);
  markProof();
  opList.draw();
  traceList.draw();
  diagram.redraw();
}

function reveal(target) {
  if (target.op !== undefined) opList.reveal(filter.ops.findIndex((o) => o.N === target.op));
  const at = target.event ?? (target.op !== undefined ? eventOfOp(target.op) : -1);
  if (at >= 0) traceList.reveal(lowerBound(filter.hits, at));
}

const eventOfOp = (n) => (events.Op || []).indexOf(n);

function targetTime(target) {
  if (target.op !== undefined) return opByNumber.get(target.op).Call;
  return target.span !== undefined ? run.Spans[target.span].From : events.At[target.event];
}

// showLaneOf adds the columns that a target needs.
function showLaneOf(target) {
  const wanted = target.op !== undefined ? opTries(opByNumber.get(target.op)).map((t) => t.Replica)
    : target.event !== undefined ? [events.Replica[target.event]] : [];
  const missing = wanted.filter((r) => r > 0 && !filter.laneSet.has(r));
  if (missing.length) setLanes([...filter.lanes, ...missing]);
}

function scrollTo(target) {
  const y = diagram.axis.y(targetTime(target));
  const room = diagram.height - headHeight;
  if (y < els.view.scrollTop + 20 || y > els.view.scrollTop + room - 60) els.view.scrollTop = y - room / 3;
  const r = target.op !== undefined ? opTries(opByNumber.get(target.op))[0].Replica : target.event !== undefined ? events.Replica[target.event] : 0;
  const x = gutter + (diagram.column.get(r) ?? 0) * diagram.laneWidth;
  if (r && (x < els.view.scrollLeft + gutter || x + diagram.laneWidth > els.view.scrollLeft + diagram.width)) els.view.scrollLeft = x - diagram.width / 2;
  const box = els.view.getBoundingClientRect();
  if (box.bottom < 160 || box.top > innerHeight - 160) els.view.scrollIntoView({ block: "nearest" });
}

function markProof() {
  document.querySelectorAll("#proof li").forEach((li, i) => li.classList.toggle("on", diagram.selected !== null && diagram.selected.op === proof[i]));
}

// refilter follows a change of the filter.
function refilter() {
  applyFilter();
  els.hits.textContent = filter.words.length ? `${counted(filter.hits.length, "event")}, ${counted(filter.ops.length, "operation")}` : "";
  els.opcount.textContent = `${filter.ops.length} of ${run.Ops.length}`;
  els.tracecount.textContent = eventCount ? `${filter.hits.length} of ${eventCount} events` : "none was made: a real cluster's history has operations only";
  els.trace.hidden = eventCount === 0;
  opList.show(filter.ops.map((o) => o.N), (n) => (diagram.selected && diagram.selected.op === n ? "on" : proof.includes(n) ? "proves" : ""));
  traceList.show(filter.hits, (i) => (diagram.selected && diagram.selected.event === i ? "on" : proof.includes(events.Op[i]) ? "proves" : ""));
  diagram.layout();
}

const counted = (n, noun) => `${n} ${noun}${n === 1 ? "" : "s"}`;

function setLanes(lanes) {
  filter.lanes = [...new Set(lanes)].sort((a, b) => a - b);
  els.lanes.value = lanesText(filter.lanes);
  drawLaneButtons();
  refilter();
}

function toggle(text, pressed, press, title) {
  const button = el("button", "", text);
  button.type = "button";
  button.title = title || "";
  button.setAttribute("aria-pressed", String(pressed));
  button.addEventListener("click", () => press(button));
  return button;
}

const laneButtonsMax = 12;

function drawLaneButtons() {
  if (run.Replicas > laneButtonsMax) return els.laneset.replaceChildren(el("span", "muted", `of ${run.Replicas} replicas`));
  const buttons = [];
  for (let r = 1; r <= run.Replicas; r++) {
    const on = filter.laneSet.has(r);
    buttons.push(toggle(name(r), filter.lanes.includes(r), () => setLanes(on ? filter.lanes.filter((l) => l !== r) : [...filter.lanes, r])));
  }
  els.laneset.replaceChildren(...buttons);
}

function drawGroupButtons() {
  const counts = groupNames.map(() => 0);
  for (let i = 0; i < eventCount; i++) counts[groupOf(i)]++;
  counts[2] += run.Ops.length;
  groupNames.forEach((words, g) => {
    if (!counts[g]) return;
    els.groups.append(toggle(words, filter.groups[g], (button) => {
      filter.groups[g] = !filter.groups[g];
      button.setAttribute("aria-pressed", String(filter.groups[g]));
      refilter();
    }, `${counts[g]}`));
  });
}

// goHash follows "#op-12", "#event-345" and "#end"; false: it is none of them.
function goHash(hash) {
  const [, what, number] = /^#(op|event)-(\d+)$/.exec(hash) || [];
  let target = null;
  if (what === "op" && opByNumber.has(Number(number))) target = { op: Number(number) };
  if (what === "event" && events.At && events.At[number - 1 - events.First] !== undefined) target = { event: number - 1 - events.First };
  if (hash === "#end" && run.Summary.Assert >= 0) target = { event: run.Summary.Assert };
  if (target) go(target);
  return target !== null;
}

async function copy(button) {
  const code = button.parentNode.querySelector("code");
  try {
    await navigator.clipboard.writeText(code.textContent);
    button.textContent = "copied";
  } catch {
    getSelection().selectAllChildren(code); // a page from a file may not: it is marked instead
    button.textContent = "marked: press Ctrl-C";
  }
}

function drawLegend() {
  const entries = [["ok", "ok"], ["refused", "refused"], ["unknown", "unknown: no answer"], ["bad", "lost, or proof"], ["down", "down"], ["paused", "paused"], ["cut", "cut link"], ["fault", "fault"]];
  els.legend.replaceChildren(...entries.map(([colour, words]) => {
    const box = el("i");
    box.style.background = ink[colour];
    return el("span", "", box, words);
  }), el("span", "", "thick column: coordinator, a colour each term; the left edge of a bar: its session"));
}
