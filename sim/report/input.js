// Input: what is pressed, typed and pointed at.

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
