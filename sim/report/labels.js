// Labels: who gets a text, so that none stands upon another.

Object.assign(Diagram.prototype, {
  // room is how wide a text may be that begins at x: up to the next column's
  // line and what stands left of it.
  room(column, x) {
    const i = this.column.get(column);
    const end = i === this.columns - 1 ? gutter + this.columns * this.laneWidth - 6 : gutter + (i + 1) * this.laneWidth + this.lifeline - 22;
    return end - this.scrollX - x;
  },

  // placeLabels decides which events and operations get a text, and of how many
  // lines: those of the verdict first, and none upon another one.
  placeLabels() {
    this.labelled = new Uint8Array(eventCount);
    this.opLabelled = new Map();
    const rows = new Rows();
    const wide = this.laneWidth - 44;
    const bars = this.bars.items.filter((b) => this.column.has(b.Replica));
    const inProof = (b) => proof.includes(b.op.N);
    for (const b of [...bars.filter(inProof), ...bars.filter((b) => !inProof(b))]) {
      if (!filter.opHits.has(b.op.N) || !filter.groups[2]) continue;
      const lines = rows.take(b.Replica, this.axis.y(b.Call), linesOf(barText(b), wide));
      if (lines) this.opLabelled.set(b, lines);
    }
    for (const rank of [0, 1, 2]) {
      for (const i of filter.hits) {
        if (labelRank(i) === rank) this.labelled[i] = rows.take(columnOf(i), this.axis.y(events.At[i]), linesOf(labelText(i), wide));
      }
    }
  },

  // written notes where a text stands, and what it belongs to.
  written(box, target) {
    if (!box) return;
    this.plates.push(box);
    this.hot.push({ ...box, target });
  },
});

// Rows are the lines of text of each column: where one stands there is no
// room for another.
class Rows {
  constructor() {
    this.columns = new Map();
  }

  isFree(rows, y) {
    const slot = Math.floor(y / lineHeight);
    for (let s = slot - 1; s <= slot + 1; s++) if (Math.abs((rows.get(s) ?? -99) - y) < lineHeight) return false;
    return true;
  }

  // take takes up to so many lines from a height on, and says how many: 0 none.
  take(column, y, lines) {
    const rows = this.columns.get(column) || this.columns.set(column, new Map()).get(column);
    let n = 0;
    for (; n < lines && this.isFree(rows, y + lineHeight * n); n++);
    for (let k = 0; k < n; k++) rows.set(Math.floor((y + lineHeight * k) / lineHeight), y + lineHeight * k);
    return n;
  }
}

const linesMax = 3; // of one text
const linesOf = (text, width) => Math.min(linesMax, Math.ceil((text.length * 5.9) / width));
