// The axis: from time to height and back. Where nothing happens for long, time
// is shortened, unless it is to be to scale: a run has milliseconds in which a
// hundred things happen, and seconds in which nothing does.

const heightMax = 8e6; // browsers lose precision beyond

function momentsOf() {
  const all = [0, run.Until];
  for (let i = 0; i < eventCount; i++) all.push(events.At[i]);
  for (const o of run.Ops) {
    for (const t of opTries(o)) all.push(t.Call, t.Return < 0 ? t.Call : t.Return);
  }
  for (const s of run.Spans) all.push(s.From, endOf(s.To));
  return Float64Array.from(new Set(all)).sort();
}

class Axis {
  constructor() {
    this.moments = momentsOf();
    this.zoom = 1;
    this.toScale = false;
    this.place();
  }

  // place gives each moment its height at zoom 1.
  place() {
    const n = this.moments.length;
    this.base = new Float64Array(n);
    for (let i = 1; i < n; i++) {
      const gap = this.moments[i] - this.moments[i - 1];
      this.base[i] = this.base[i - 1] + Math.min(60, 3 + 5 * Math.log2(1 + gap / 60));
    }
    if (this.toScale) {
      const scale = this.base[n - 1] / Math.max(1, this.moments[n - 1] - this.moments[0]);
      for (let i = 0; i < n; i++) this.base[i] = (this.moments[i] - this.moments[0]) * scale;
    }
    this.length = Math.max(1, this.base[n - 1]);
  }

  height() {
    return this.length * this.zoom;
  }

  setZoom(zoom, viewHeight) {
    const least = Math.min(1, viewHeight / this.length);
    this.zoom = Math.max(least, Math.min(zoom, 60, heightMax / this.length));
  }

  y(t) {
    return between(this.moments, this.base, t) * this.zoom;
  }

  t(y) {
    return between(this.base, this.moments, y / this.zoom);
  }
}

// lowerBound is the first index whose value is not below v.
function lowerBound(values, v) {
  let from = 0;
  let to = values.length;
  while (from < to) {
    const mid = (from + to) >> 1;
    if (values[mid] < v) from = mid + 1;
    else to = mid;
  }
  return from;
}

function between(from, to, v) {
  const last = from.length - 1;
  const i = lowerBound(from, v);
  if (i === 0) return to[0];
  if (i > last) return to[last];
  const part = (v - from[i - 1]) / (from[i] - from[i - 1]);
  return to[i - 1] + part * (to[i] - to[i - 1]);
}

// Intervals finds what overlaps a range of time without looking at all of it:
// items by their start, beside the latest end of all up to each.
class Intervals {
  constructor(items, from, to) {
    this.items = items.slice().sort((a, b) => from(a) - from(b));
    this.from = Float64Array.from(this.items, from);
    this.ends = new Float64Array(this.items.length);
    this.to = to;
    let end = -1;
    this.items.forEach((item, i) => {
      end = Math.max(end, to(item));
      this.ends[i] = end;
    });
  }

  each(t0, t1, visit) {
    for (let i = lowerBound(this.ends, t0); i < this.items.length && this.from[i] <= t1; i++) {
      if (this.to(this.items[i]) >= t0) visit(this.items[i]);
    }
  }
}
