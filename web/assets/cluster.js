// The cluster's page works without this script. With it, what changes appears
// by itself: the stream brings the page's living part as the server has drawn
// it, and each piece that is not as it was takes the old one's place.
"use strict";

(function cluster() {
	const root = document.getElementById("cluster");
	const told = document.getElementById("told");
	const lost = document.getElementById("lost");
	if (!root || !window.EventSource) return;
	const shown = new Map(); // by id: what the server last drew there
	let source = null, newest = newestOf(root);

	function onCluster(event) {
		lost.textContent = "";
		const page = new DOMParser().parseFromString(JSON.parse(event.data).html, "text/html");
		for (const fresh of page.querySelectorAll("[data-live]")) {
			const old = document.getElementById(fresh.id);
			if (!old) { // another set of replicas
				location.reload();
				return;
			}
			put(old, fresh);
		}
		tell();
	}

	function put(old, fresh) {
		const text = fresh.innerHTML;
		if (shown.get(fresh.id) === text) return;
		shown.set(fresh.id, text);
		if (old.innerHTML === text) return;
		const held = old.contains(document.activeElement) ? document.activeElement.getAttribute("aria-label") : null;
		old.className = fresh.className;
		old.replaceChildren(...fresh.childNodes);
		if (held === null) return;
		const again = Array.from(old.querySelectorAll("button")).find((b) => b.getAttribute("aria-label") === held) || old.querySelector("button");
		if (again) again.focus();
	}

	// The newest event is said aloud, the list is not.
	function newestOf(where) {
		const first = where.querySelector(".timeline .what");
		return first ? first.textContent : "";
	}

	function tell() {
		const now = newestOf(root);
		if (now === newest) return;
		newest = now;
		told.textContent = now;
	}

	// A page that nobody sees needs no stream; browsers allow few to one server.
	function connect() {
		if (document.hidden) {
			close();
			return;
		}
		if (source) return;
		source = new EventSource(root.dataset.stream);
		source.addEventListener("cluster", onCluster);
		source.addEventListener("error", () => {
			lost.textContent = "The web client does not answer: this is how it last was.";
			if (source && source.readyState === EventSource.CLOSED) { // it was refused: the browser would not try again
				close();
				setTimeout(connect, 10000);
			}
		});
	}

	function close() {
		if (source) source.close();
		source = null;
	}
	document.addEventListener("visibilitychange", connect);
	window.addEventListener("pagehide", close);
	window.addEventListener("pageshow", connect);
	connect();
})();
