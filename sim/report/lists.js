// Lists of any length: only the rows in view exist.

const rowHeight = 20;
const rowsMax = 400_000; // a box can't be higher

class List {
  // cells gives the texts of a row, and classes for them; the first row is the
  // names of the columns.
  constructor(box, head, cells, choose) {
    this.box = box;
    this.cells = cells;
    this.rows = [];
    this.floor = document.createElement("div");
    this.floor.style.cssText = "position:relative";
    const names = el("div", "row head");
    names.append(...head.map((h) => el("span", "", h)));
    box.append(names, this.floor);
    box.addEventListener("scroll", () => this.draw());
    this.floor.addEventListener("click", (e) => {
      const row = e.target.closest(".row");
      if (row) choose(Number(row.dataset.row));
    });
  }

  show(rows, mark) {
    this.rows = rows.length > rowsMax ? rows.slice(0, rowsMax) : rows;
    this.mark = mark;
    this.floor.style.height = this.rows.length * rowHeight + "px";
    this.box.style.height = Math.min(340, (this.rows.length + 1) * rowHeight + 20) + "px";
    this.draw();
  }

  draw() {
    const first = Math.max(0, Math.floor(this.box.scrollTop / rowHeight) - 2);
    const last = Math.min(this.rows.length, first + Math.ceil(this.box.clientHeight / rowHeight) + 4);
    const shown = [];
    for (let i = first; i < last; i++) {
      const row = el("div", "row " + this.mark(this.rows[i]));
      row.style.top = i * rowHeight + "px";
      row.dataset.row = this.rows[i];
      for (const [text, cls] of this.cells(this.rows[i])) row.append(el("span", cls, text));
      shown.push(row);
    }
    this.floor.replaceChildren(...shown);
  }

  // reveal scrolls within the box only; the page stays where it is.
  reveal(at) {
    const y = at * rowHeight;
    const room = this.box.clientHeight - 2 * rowHeight;
    if (at < 0 || (y >= this.box.scrollTop && y <= this.box.scrollTop + room)) return;
    this.box.scrollTop = Math.max(0, y - room / 2);
  }
}

function el(tag, cls, ...children) {
  const made = document.createElement(tag);
  if (cls) made.className = cls;
  made.append(...children.map((c) => (c === undefined ? "" : c)));
  return made;
}

function opCells(n) {
  const o = opByNumber.get(n);
  const places = opTries(o).map((t) => name(t.Replica)).filter((r, i, all) => r !== all[i - 1]);
  return [
    ["#" + o.N, "num"], [o.Session ? "s" + o.Session : ""], [o.What], [places.join(" ")], [seconds(o.Call), "num"],
    [o.Return < 0 ? "" : ((o.Return - o.Call) / 1000).toFixed(3), "num"], [o.Outcome, o.Outcome], [(o.Answer || "") + (o.Tries && o.Tries.length > 1 ? `  (${o.Tries.length} tries)` : "")],
  ];
}

function eventCells(i) {
  return [[seconds(events.At[i]), "num"], [name(events.Replica[i])], [kindOf(i), kindOf(i) === "violation" ? "bad" : ""], [name(events.Peer[i])], [(events.Op[i] ? `#${events.Op[i]} ` : "") + textOf(i)]];
}
