// The page: what is pressed, typed and pointed at.

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

// zoomTo keeps what is at a height of the view where it is.
function zoomTo(zoom, at = diagram.height / 2) {
  const t = diagram.axis.t(els.view.scrollTop + at - headHeight - 16);
  diagram.axis.setZoom(zoom, diagram.height - headHeight - 80);
  diagram.layout();
  els.view.scrollTop = diagram.axis.y(t) - at + headHeight + 16;
}

function toggleScale() {
  const t = diagram.axis.t(els.view.scrollTop);
  diagram.axis.toScale = !diagram.axis.toScale;
  els.scale.setAttribute("aria-pressed", String(diagram.axis.toScale));
  diagram.axis.place();
  zoomTo(diagram.axis.zoom);
  els.view.scrollTop = diagram.axis.y(t);
}

// step goes to the next or the previous thing that the filter has left.
function step(by) {
  const s = diagram.selected;
  if (!eventCount) {
    const at = s && s.op !== undefined ? filter.ops.findIndex((o) => o.N === s.op) : -1;
    const next = filter.ops[Math.max(0, Math.min(filter.ops.length - 1, at + by))];
    return next && go({ op: next.N });
  }
  let at;
  if (s && s.event !== undefined) at = lowerBound(filter.hits, s.event) + (by > 0 && !filter.hit[s.event] ? 0 : by);
  else at = lowerBound(filter.hits, lowerBound(events.At, s ? targetTime(s) : diagram.axis.t(els.view.scrollTop)));
  at = Math.max(0, Math.min(filter.hits.length - 1, at));
  if (filter.hits.length) go({ event: filter.hits[at] });
}

function nextProof(by) {
  const s = diagram.selected;
  const known = proof.filter((n) => opByNumber.has(n));
  const at = s && s.op !== undefined ? known.indexOf(s.op) : -1;
  if (known.length) go({ op: known[(at + by + known.length) % known.length] });
}

// nearest finds what is under the mouse: bars before marks, marks before
// lines, lines before shades.
function nearest(x, y) {
  let found = null;
  let least = 6;
  let weak = null;
  for (let k = diagram.hot.length - 1; k >= 0; k--) {
    const h = diagram.hot[k];
    if (h.w === undefined) {
      const d = distance(x, y, h);
      if (d < least) [least, found] = [d, h];
    } else if (x >= h.x && x <= h.x + h.w && y >= h.y && y <= h.y + h.h) {
      if (h.weak) weak = weak || h;
      else return h.target;
    }
  }
  return found ? found.target : weak ? weak.target : null;
}

function distance(x, y, { x0, y0, x1, y1 }) {
  const length = (x1 - x0) ** 2 + (y1 - y0) ** 2 || 1;
  const part = Math.max(0, Math.min(1, ((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / length));
  return Math.hypot(x - x0 - part * (x1 - x0), y - y0 - part * (y1 - y0));
}

function point(e) {
  const box = els.canvas.getBoundingClientRect();
  const y = e.clientY - box.top;
  const target = y < headHeight ? null : nearest(e.clientX - box.left, y);
  els.tip.hidden = !target;
  els.view.style.cursor = target ? "pointer" : "";
  if (target) {
    els.tip.textContent = tipText(target);
    els.tip.style.left = Math.min(e.clientX + 14, innerWidth - els.tip.offsetWidth - 8) + "px";
    els.tip.style.top = Math.min(e.clientY + 14, innerHeight - els.tip.offsetHeight - 8) + "px";
  }
  if (!sameTarget(target, diagram.hovered) && target !== diagram.hovered) {
    diagram.hovered = target;
    diagram.redraw();
  }
  return target;
}

const keys = {
  j: () => step(1), ArrowDown: () => step(1), ArrowRight: () => step(1),
  k: () => step(-1), ArrowUp: () => step(-1), ArrowLeft: () => step(-1),
  n: () => nextProof(1), N: () => nextProof(-1), "/": () => els.filter.focus(), t: toggleScale,
  "+": () => zoomTo(diagram.axis.zoom * 1.5), "=": () => zoomTo(diagram.axis.zoom * 1.5), "-": () => zoomTo(diagram.axis.zoom / 1.5),
  0: () => zoomTo(0), Escape: () => go(null),
};

document.addEventListener("keydown", (e) => {
  if (e.target.matches("input")) {
    if (e.key === "Escape" || e.key === "Enter") e.target.blur();
    return;
  }
  if (e.ctrlKey || e.metaKey || e.altKey || !Object.hasOwn(keys, e.key)) return;
  e.preventDefault();
  keys[e.key]();
});

els.view.addEventListener("scroll", () => diagram.redraw());
els.view.addEventListener("mousemove", point);
els.view.addEventListener("mouseleave", () => {
  els.tip.hidden = true;
  diagram.hovered = null;
  diagram.redraw();
});
els.view.addEventListener("click", (e) => {
  const target = point(e);
  if (target) go(target);
});
els.view.addEventListener("wheel", (e) => {
  if (!e.ctrlKey) return;
  e.preventDefault();
  zoomTo(diagram.axis.zoom * Math.exp(-e.deltaY / 300), e.clientY - els.view.getBoundingClientRect().top);
}, { passive: false });

els.filter.addEventListener("input", () => {
  filter.text = els.filter.value;
  refilter();
});
els.lanes.addEventListener("change", () => setLanes(parseLanes(els.lanes.value)));
document.getElementById("in").addEventListener("click", () => zoomTo(diagram.axis.zoom * 1.5));
document.getElementById("out").addEventListener("click", () => zoomTo(diagram.axis.zoom / 1.5));
document.getElementById("fit").addEventListener("click", () => zoomTo(0));
els.scale.addEventListener("click", toggleScale);
els.scale.setAttribute("aria-pressed", "false");

els.map.addEventListener("pointerdown", (e) => {
  els.map.setPointerCapture(e.pointerId);
  diagram.mapTo(e.offsetY);
});
els.map.addEventListener("pointermove", (e) => {
  if (els.map.hasPointerCapture(e.pointerId)) diagram.mapTo(e.offsetY);
});

document.addEventListener("click", (e) => {
  const link = e.target.closest && e.target.closest('a[href^="#"]');
  if (link && goHash(link.getAttribute("href"))) e.preventDefault();
  if (e.target.matches(".copy")) copy(e.target);
});
window.addEventListener("hashchange", () => goHash(location.hash));
window.addEventListener("resize", () => refilter());
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  readInk();
  drawLegend();
  diagram.layout();
});

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

// open shows the proof, all of it if it can be read at once.
function open() {
  els.lanes.value = lanesText(filter.lanes);
  els.lanes.hidden = run.Replicas <= laneButtonsMax;
  drawLaneButtons();
  drawGroupButtons();
  drawLegend();
  refilter();
  const times = proof.filter((n) => opByNumber.has(n)).flatMap((n) => [opByNumber.get(n).Call, opEnd(opByNumber.get(n))]);
  if (times.length) {
    const from = diagram.axis.y(Math.min(...times));
    const height = diagram.axis.y(Math.max(...times)) - from;
    const room = diagram.height - headHeight - 120;
    if (height > room) zoomTo(diagram.axis.zoom * room / height);
    els.view.scrollTop = diagram.axis.y(Math.min(...times)) - 50;
  }
  showDetails(null, go);
  if (!goHash(location.hash) && !times.length && run.Summary.Assert >= 0) go({ event: run.Summary.Assert });
  diagram.drawn = report;
  document.documentElement.dataset.opened = performance.now().toFixed(0);
}

// report tells whoever tests the page what it has come to.
function report() {
  const root = document.documentElement.dataset;
  root.proof = [...diagram.proofInView].sort((a, b) => a - b).join(" ");
  root.errors = String(errors);
  root.ready = root.ready || performance.now().toFixed(0);
}

open();
