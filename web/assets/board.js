// The board's pages work without this script. With it, drafts are kept until
// they are posted, and new articles appear by themselves.
"use strict";

// Drafts: what is typed is kept for this tab, and given up once the page says
// that it was posted. What the server shows in a form goes before it. A draft
// that was sent keeps the key that it was sent with: it may have been posted,
// whatever became of the answer, and must not be posted twice.
(function drafts() {
	const nameOf = (form) => "draft:" + form.dataset.draft;
	const fields = ["title", "body"], sendFields = ["key", "life", "again"];

	function keep(form, sent) {
		const draft = { sent };
		for (const f of fields.concat(sent ? sendFields : [])) {
			if (form.elements[f]) draft[f] = form.elements[f].value;
		}
		try {
			sessionStorage.setItem(nameOf(form), JSON.stringify(draft));
		} catch { /* it is full: the draft lasts as long as the page */ }
	}

	function restore(form, draft) {
		for (const f of fields) form.elements[f].value = draft[f] || "";
		if (!draft.sent || !draft.key) return;
		for (const f of sendFields) {
			if (!(f in draft)) continue;
			if (!form.elements[f]) {
				const hidden = document.createElement("input");
				hidden.type = "hidden";
				hidden.name = f;
				form.append(hidden);
			}
			form.elements[f].value = draft[f];
		}
	}

	for (const notice of document.querySelectorAll(".notice[data-sent]")) {
		sessionStorage.removeItem("draft:" + notice.dataset.sent);
	}
	for (const form of document.querySelectorAll("form[data-draft]")) {
		const draft = JSON.parse(sessionStorage.getItem(nameOf(form)) || "null");
		let sent = form.elements.again !== undefined;
		if (fields.some((f) => form.elements[f].value !== "")) {
			keep(form, sent);
		} else if (draft) {
			sent = draft.sent;
			restore(form, draft);
		}
		form.addEventListener("input", () => {
			if (!sent && fields.every((f) => form.elements[f].value === "")) sessionStorage.removeItem(nameOf(form));
			else keep(form, sent);
		});
		form.addEventListener("submit", () => {
			sent = true;
			keep(form, true);
		});
	}
})();

// News: the stream tells of articles; the page is asked for again, so that what
// is shown is an answer with its promise, and its list takes this one's place.
(function news() {
	const list = document.getElementById("list");
	const line = document.getElementById("news");
	const main = document.getElementById("main");
	if (!list || !line || !("seen" in main.dataset) || !window.EventSource) return;

	const thread = list.dataset.thread;
	const pauseMs = 1000; // between two loads of the list
	const idsMax = 5000;  // that have been told of; then it begins anew
	let told = new Set(), count = 0, more = false, loading = false, seen = main.dataset.seen, source = null;

	// concerns reports whether an article belongs on this page.
	function concerns(article) {
		if (!thread) return article.parent === null;
		return article.parent === thread || told.has(article.parent) || document.getElementById("a" + article.parent) !== null;
	}

	function onArticles(event) {
		seen = event.lastEventId || seen;
		const news = JSON.parse(event.data);
		more = more || news.more;
		if (told.size > idsMax) told = new Set();
		let changed = news.more;
		for (const a of news.articles) {
			changed = changed || !thread;
			if (told.has(a.id) || document.getElementById("a" + a.id) || !concerns(a)) continue;
			told.add(a.id);
			count++;
			changed = true;
		}
		if (changed) show();
	}

	// show inserts what is new, or offers it where that would be in the way.
	function show() {
		const here = thread || "head" in list.dataset;
		const busy = list.contains(document.activeElement) || String(document.getSelection()) !== "";
		if (here && !busy) {
			load();
			return;
		}
		if (count === 0) return;
		const offer = document.createElement(here ? "button" : "a");
		offer.textContent = count + (count === 1 ? " new article" : " new articles");
		if (here) offer.addEventListener("click", load);
		else offer.href = "/";
		line.replaceChildren(offer);
	}

	async function load() {
		if (loading) return;
		loading = true;
		try {
			const answer = await fetch(location.pathname + location.search, { headers: { Accept: "text/html" } });
			if (!answer.ok) throw new Error(answer.status);
			put(new DOMParser().parseFromString(await answer.text(), "text/html"));
		} catch {
			line.textContent = "New articles are there, but the list could not be loaded.";
		}
		setTimeout(() => {
			loading = false;
			if (count > 0) show();
		}, pauseMs);
	}

	function put(page) {
		const fresh = page.getElementById("list");
		if (!fresh) return;
		const before = new Set(Array.from(list.querySelectorAll("[id]"), (e) => e.id));
		let added = 0;
		for (const e of fresh.querySelectorAll("li[id]")) {
			if (before.has(e.id)) continue;
			e.classList.add("new");
			added++;
		}
		list.replaceChildren(...fresh.childNodes);
		for (const id of ["line", "replies-head"]) {
			const old = document.getElementById(id), now = page.getElementById(id);
			if (old && now) old.replaceChildren(...now.childNodes);
		}
		line.textContent = added === 0 ? "" : added + (added === 1 ? " new article" : " new articles");
		count = 0;
		more = false;
	}

	// A page that nobody sees needs no stream; browsers allow few to one server.
	function connect() {
		if (document.hidden) {
			if (source) source.close();
			source = null;
			return;
		}
		if (source) return;
		source = new EventSource("/events?seen=" + encodeURIComponent(seen));
		source.addEventListener("articles", onArticles);
		source.addEventListener("away", (event) => {
			line.textContent = JSON.parse(event.data).away ? "The replica does not answer: new articles do not appear." : "";
		});
	}
	document.addEventListener("visibilitychange", connect);
	window.addEventListener("pagehide", () => { if (source) source.close(); source = null; });
	window.addEventListener("pageshow", connect);
	connect();
})();
