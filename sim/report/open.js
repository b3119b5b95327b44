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
  diagram.draw(); // at once: no frame may come while the page is not looked at
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
