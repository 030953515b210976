/* SPDX-License-Identifier: ISC */
/*
 * The status page, live.  The monitor has sent the figures as tables; here the same tables are filled again every two
 * seconds, and the chart is drawn.  What comes from the daemon is set as text and never as HTML.
 */
"use strict";

const EVERY_MS = 2000, PATIENCE_MS = 5000;
const SPANS_S = [60, 120, 300, 600]; /* what the chart reaches over: the first that all of the history fits in */
const VERDICTS = ["received", "filtered", "invalid", "not_object", "missing", "limited", "too_long", "unknown_level",
	"failed"];

/* At once, so that what is for scripts only has its place before anything is drawn. */
document.documentElement.classList.add("scripted");

const page = {
	timer: 0,
	paused: false,
	looking: false, /* an answer is awaited */
	answered: new Date(), /* the last time */
	status: null,
	history: null,
	shown: new Set(VERDICTS), /* in the chart */
	pointed: null,            /* which point of the history; null: the newest */
};

const element = (id) => document.getElementById(id);

/* Numbers and times in the words of logcollectctl: src/figures/words.c. */

function rateWords(rate) {
	if (rate === null)
		return "-";
	if (rate < 9999.5)
		return rate < 9.95 && !Number.isInteger(rate) ? rate.toFixed(1) : rate.toFixed(0);
	let unit = 0;
	for (rate /= 1000; rate >= 999.5 && unit < 3; unit++)
		rate /= 1000;
	return rate.toFixed(rate < 99.95 ? 1 : 0) + "kMGT"[unit];
}

function timeWords(us) {
	if (us === null || us === undefined || us < 0)
		return "-";
	if (us < 1000)
		return `${us.toFixed(0)} us`;
	return us < 1e6 ? `${Number((us / 1000).toPrecision(3))} ms` : `${Number((us / 1e6).toPrecision(3))} s`;
}

function spanWords(ms) {
	const units = [[86400, "d"], [3600, "h"], [60, "m"], [1, "s"]];
	const seconds = Math.max(0, Math.floor(ms / 1000));
	const at = Math.max(0, units.findIndex(([size]) => seconds >= size || size === 1));
	const [size, name] = units[at];
	const rest = at < 3 ? ` ${Math.floor((seconds % size) / units[at + 1][0])}${units[at + 1][1]}` : "";
	return `${Math.floor(seconds / size)}${name}${rest}`;
}

const countWords = (count) => count.toLocaleString("en");
const clockWords = (date) => date.toLocaleTimeString("en-GB");

/* A time of the daemon's; the day is told where it was another one. */
function whenWords(stamp) {
	const date = new Date(stamp), day = date.toLocaleDateString("en-CA");
	return day === new Date().toLocaleDateString("en-CA") ? clockWords(date) : `${day} ${clockWords(date)}`;
}

/* What has not changed is not touched: a selection stays, and a screen reader keeps its place. */
function put(target, text) {
	const old = target.firstChild;
	if (old === null || old.nodeType !== Node.TEXT_NODE || target.childNodes.length > 1)
		target.replaceChildren(text);
	else if (old.data !== text)
		old.data = text;
}

function make(name, attributes = {}, ...children) {
	const made = document.createElement(name);
	for (const [key, value] of Object.entries(attributes))
		made.setAttribute(key, value);
	made.append(...children);
	return made;
}

/*
 * A row for each item.  The heads of the table's columns name what comes into the cells: a text, or a function that fills
 * the cell.  Rows are found again by their key; those that the monitor has sent have none and give way.
 */
function fill(table, items, keyOf, columnsOf) {
	const [body] = table.tBodies;
	const names = [...table.tHead.rows[0].cells].map((head) => head.textContent);
	const rows = new Map([...body.rows].map((row) => [row.dataset.key, row]));
	const wanted = items.map((item) => {
		const columns = columnsOf(item), key = String(keyOf(item));
		const row = rows.get(key) ?? make("tr", {"data-key": key}, make("th", {scope: "row"}),
			...names.slice(1).map(() => make("td")));
		names.forEach((name, i) => {
			const cell = columns[name];
			typeof cell === "function" ? cell(row.cells[i]) : put(row.cells[i], cell ?? "");
		});
		return row;
	});
	if (wanted.length !== body.rows.length || wanted.some((row, i) => row !== body.rows[i]))
		body.replaceChildren(...wanted);
}

function fillList(list, pairs) {
	while (list.children.length > pairs.length)
		list.lastElementChild.remove();
	pairs.forEach(([name, text], i) => {
		if (list.children.length === i)
			list.append(make("div", {}, make("dt"), make("dd")));
		put(list.children[i].children[0], name);
		put(list.children[i].children[1], text);
	});
}

/* A box to tick is the verdict's name in the chart, its colour and its switch. */
const verdictBox = (verdict) => (cell) => {
	if (cell.querySelector("input") !== null)
		return;
	const box = make("input", {type: "checkbox", class: `verdict ${verdict}`, checked: ""});
	box.addEventListener("change", () => {
		page.shown[box.checked ? "add" : "delete"](verdict);
		drawChart();
	});
	cell.replaceChildren(make("label", {}, box, verdict));
};

const fullness = (clients, most) => (cell) => {
	if (cell.querySelector("meter") === null)
		cell.replaceChildren(make("span"), make("meter", {min: 0, optimum: 0, "aria-hidden": "true"}));
	const bar = cell.lastElementChild;
	put(cell.firstElementChild, most > 0 ? `${countWords(clients)} of ${countWords(most)}` : countWords(clients));
	bar.max = most > 0 ? most : 1;
	bar.high = 0.9 * bar.max;
	bar.value = clients;
};

/* A state is told by its word; the colour only repeats it. */
const stateWord = (state) => (cell) => {
	if (cell.firstElementChild === null || !cell.firstElementChild.classList.contains("state"))
		cell.replaceChildren(make("span"));
	cell.firstElementChild.className = `state ${state.replaceAll(" ", "-")}`;
	put(cell.firstElementChild, state);
};

function showNow(status) {
	const {rates, interval, storage, workers} = status;
	const most = workers.reduce((sum, worker) => sum + worker.most_clients, 0);
	const held = status.addresses.filter((client) => client.limited_now).length;
	put(element("now-lines"), rateWords(rates.lines));
	put(element("now-lines-more"), `${rateWords(rates.received)} received, ${rateWords(rates.kilobytes)} KB`);
	put(element("now-clients"), countWords(status.clients));
	put(element("now-clients-more"), `of ${countWords(most)} at most`);
	put(element("now-answer"), timeWords(interval.answer_p99_us));
	put(element("now-answer-more"), interval.answer_p50_us !== null ? `50% within ${timeWords(interval.answer_p50_us)}` :
		`since the start ${timeWords(status.answer_us?.p99)}`);
	stateWord(storage.state)(element("now-storage"));
	put(element("now-storage-more"), storage.since === null ? " " :
		`since ${whenWords(storage.since)}: ${storage.error}`);
	put(element("now-limited"), rateWords(rates.limited));
	put(element("now-limited-more"), `${countWords(held)} ${held === 1 ? "address" : "addresses"} now`);
}

function reloadWords({asked, finished, time, errors, messages}) {
	if (asked > finished)
		return "under way";
	if (time === null)
		return "none yet";
	return [`${errors > 0 ? "failed" : "done"}, ${whenWords(time)}`, ...messages].join("\n");
}

function showDaemon(status) {
	const up = spanWords(new Date(status.time) - new Date(status.started));
	const {ready: {ready, why}, answer_us: times} = status;
	element("about").classList.toggle("bad", !ready);
	/* In short; the list says all of it. */
	const because = why.map((reason) => reason.replace(/ since .*/, "")).join(", ");
	put(element("about"), `${status.state}, ${ready ? "ready" : `not ready: ${because}`}, up ${up}` +
		(status.reload.errors > 0 ? ", the last reload failed" : ""));
	document.title = `${rateWords(status.rates.lines)}/s – logcollectd`;
	fillList(element("daemon"), [
		["state", status.state],
		["ready", ready ? "yes" : `no: ${why.join(", ")}`],
		["pid", String(status.pid)],
		["up", up],
		["version", status.version],
		["listening on", status.listening.join("\n")],
		["storage", status.storage.state],
		["answered within, since the start", `50% ${timeWords(times?.p50)}, 90% ${timeWords(times?.p90)}, ` +
			`99% ${timeWords(times?.p99)}, all ${timeWords(times?.p100)}`],
		["settings generation", String(status.settings_generation)],
		["last reload", reloadWords(status.reload)],
		["worker generation", String(status.worker_generation)],
		["workers that died", String(status.worker_deaths)],
	]);
}

function showTables(status) {
	const now = new Date(status.time);
	fill(element("verdicts"), ["lines", ...VERDICTS], (name) => name, (name) => ({
		"verdict": name === "lines" ? name : verdictBox(name),
		"total": countWords(status.counts[name]),
		"a second": rateWords(status.rates[name]),
	}));
	fill(element("workers"), status.workers, (worker) => `${worker.slot} ${worker.pid}`, (worker) => ({
		"pid": String(worker.pid),
		"state": stateWord(worker.state),
		"generation": String(worker.generation),
		"age": spanWords(now - new Date(worker.started)),
		"clients": fullness(worker.clients, worker.most_clients),
		"a second": rateWords(status.rates.workers[worker.pid] ?? null),
		"lines": countWords(worker.counts.lines),
		"received": countWords(worker.counts.received),
		"failed": countWords(worker.counts.failed),
	}));
	put(element("addresses").caption, status.addresses.length > 0 ? "Clients that were answered limited" :
		"No client has sent more than it may.");
	fill(element("addresses"), status.addresses, (client) => client.address, (client) => ({
		"address": client.address,
		"now": stateWord(client.limited_now ? "limited" : ""),
		"limited": countWords(client.limited),
		"passed": countWords(client.passed),
		"left": client.left_ms > 0 ? spanWords(client.left_ms + 999) : "-",
	}));
}

/* The chart: areas upon each other, the newest point at the right edge. */

const svg = (name, attributes, ...children) => {
	const made = document.createElementNS("http://www.w3.org/2000/svg", name);
	for (const [key, value] of Object.entries(attributes))
		made.setAttribute(key, value);
	made.append(...children);
	return made;
};

/* 1, 2 or 5 with noughts behind: the step of at most five that reach the top. */
function stepFor(top) {
	const size = 10 ** Math.floor(Math.log10(top / 5));
	return [1, 2, 5, 10].map((step) => step * size).find((step) => step * 5 >= top);
}

/* What lies below each verdict's upper edge, at each point; the verdicts that are shown, lowest first. */
function stack(lines) {
	const edges = [new Array(lines.received.length).fill(0)];
	const names = VERDICTS.filter((name) => page.shown.has(name));
	for (const name of names)
		edges.push(lines[name].map((rate, i) => edges.at(-1)[i] + rate));
	return {names, edges};
}

const spanOf = ({lines, interval_seconds: seconds}) =>
	SPANS_S.find((span) => span >= (lines.received.length - 1) * seconds) ?? SPANS_S.at(-1);
const sumAt = (lines, i) => VERDICTS.reduce((sum, name) => sum + lines[name][i], 0);
const pointTime = (history, i) =>
	new Date(new Date(history.newest) - (history.lines.received.length - 1 - i) * history.interval_seconds * 1000);

function pointWords(history, i) {
	const told = VERDICTS.filter((name) => history.lines[name][i] > 0)
		.map((name) => `${name} ${rateWords(history.lines[name][i])}`);
	return `${clockWords(pointTime(history, i))}: ${rateWords(sumAt(history.lines, i))} lines a second` +
		(told.length > 0 ? ` (${told.join(", ")})` : "");
}

function summaryWords(history) {
	const last = history.lines.received.length - 1;
	if (last < 0)
		return "Nothing is known yet.";
	const sums = history.lines.received.map((_, i) => sumAt(history.lines, i));
	const highest = sums.indexOf(Math.max(...sums));
	return `Lines a second by verdict. Newest, ${pointWords(history, last)}. Highest, ${pointWords(history, highest)}.`;
}

function drawAxes(box, step, top) {
	const made = [];
	for (let rate = 0; rate <= top; rate += step) {
		const y = box.y(rate).toFixed(1);
		made.push(svg("line", {class: "grid", x1: box.left, x2: box.right, y1: y, y2: y}),
			svg("text", {class: "axis", x: box.left - 6, y, dy: "0.32em", "text-anchor": "end"}, rateWords(rate).replace(".0", "")));
	}
	const every = box.right < 500 ? box.span / 2 : Math.min(60, box.span / 4);
	for (let ago = 0; ago <= box.span; ago += every) {
		const text = ago % 60 > 0 ? `−${ago} s` : `−${ago / 60} min`;
		made.push(svg("text", {class: "axis", x: box.x(ago).toFixed(1), y: box.bottom + 16,
			"text-anchor": ago === 0 ? "end" : "middle"}, ago === 0 ? "now" : text));
	}
	return made;
}

/* Names stand in their areas, where these are high enough at the newest point. */
function drawAreas(box, {names, edges}, seconds) {
	const made = [], labels = [], last = edges[0].length - 1;
	const edge = (rates) => rates.map((rate, i) => `${box.x(seconds * (last - i)).toFixed(1)} ${box.y(rate).toFixed(1)}`);
	names.forEach((name, n) => {
		if (edges[n + 1].every((rate, i) => rate === edges[n][i]))
			return;
		const upper = edge(edges[n + 1]), lower = edge(edges[n]).reverse();
		const has = (i) => edges[n + 1][i] > edges[n][i];
		/* Its line is drawn only where there is something of it: a thin area is seen, none is not. */
		const line = upper.map((at, i) => `${i > 0 && (has(i) || has(i - 1)) ? "L" : "M"}${at}`);
		made.push(svg("path", {class: `area ${name}`, d: `M${[...upper, ...lower].join("L")}Z`}),
			svg("path", {class: `edge ${name}`, d: line.join("")}));
		const [low, high] = [box.y(edges[n][last]), box.y(edges[n + 1][last])];
		if (low - high >= 14)
			labels.push(svg("text", {class: "label", x: box.right - 6, y: ((low + high) / 2).toFixed(1), dy: "0.32em",
				"text-anchor": "end"}, name));
	});
	return [...made, ...labels];
}

function drawChart() {
	const {history} = page;
	const {clientWidth: width, clientHeight: height} = element("chart");
	if (history === null || width === 0)
		return;
	const stacked = stack(history.lines), last = history.lines.received.length - 1;
	const top = Math.max(1, ...stacked.edges.at(-1)), step = stepFor(top), highest = Math.ceil(top / step) * step;
	const box = {left: 44, right: width - 1, top: 10, bottom: height - 24};
	box.span = spanOf(history);
	box.x = (ago) => box.right - (ago / box.span) * (box.right - box.left);
	box.y = (rate) => box.bottom - (rate / highest) * (box.bottom - box.top);
	const chart = svg("svg", {role: "img", width, height, "aria-label": summaryWords(history)},
		...drawAxes(box, step, highest), ...(last < 0 ? [] : drawAreas(box, stacked, history.interval_seconds)));
	const pointed = page.pointed === null ? last : Math.min(page.pointed, last);
	if (page.pointed !== null) {
		const x = box.x((last - pointed) * history.interval_seconds).toFixed(1);
		chart.append(svg("line", {class: "pointed", x1: x, x2: x, y1: box.top, y2: box.bottom}));
	}
	element("chart").replaceChildren(chart);
	put(element("readout"), last < 0 ? "Nothing is known yet." : pointWords(history, pointed));
}

function point(event) {
	const {history} = page, width = element("chart").clientWidth;
	if (history === null)
		return;
	const right = element("chart").getBoundingClientRect().left + width - 1;
	const ago = (right - event.clientX) / (width - 45) * spanOf(history);
	const last = history.lines.received.length - 1;
	page.pointed = Math.max(0, Math.min(last, Math.round(last - ago / history.interval_seconds)));
	drawChart();
}

/* Three hundred rows would be read by nobody.  Half minutes of the clock, so that a row stays what it is. */
function showHistory(history) {
	const rows = new Map();
	if (!element("chart-details").open)
		return;
	for (let i = history.lines.received.length - 1; i >= 0; i--) {
		const from = Math.floor(pointTime(history, i) / 30000) * 30000;
		rows.set(from, [...rows.get(from) ?? [], i]);
	}
	fill(element("history"), [...rows], ([from]) => from, ([from, points]) => {
		const mean = (rateAt) => rateWords(points.reduce((sum, i) => sum + rateAt(i), 0) / points.length);
		return {
			"from": clockWords(new Date(from)),
			"lines": mean((i) => sumAt(history.lines, i)),
			...Object.fromEntries(VERDICTS.map((name) => [name, mean((i) => history.lines[name][i])])),
		};
	});
}

/* Looking at the monitor, again and again: one question at a time, none while nobody sees the page. */

async function get(name) {
	const response = await fetch(name, {cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS)});
	if (!response.ok)
		throw new Error(`${name}: ${response.status}`);
	return response.json();
}

function showLink(state, text) {
	document.documentElement.dataset.link = state;
	put(element("link-state"), text);
	put(element("clock"), state === "lost" ? "" : `as of ${clockWords(page.answered)}`);
}

function show([status, history]) {
	/* Another daemon may have another page. */
	if (page.status !== null && page.status.version !== status.version)
		location.reload();
	[page.status, page.history] = [status, history];
	page.answered = new Date();
	showNow(status);
	showDaemon(status);
	showTables(status);
	drawChart();
	showHistory(history);
	if (!page.paused)
		showLink("live", "live");
}

async function look() {
	clearTimeout(page.timer);
	if (page.looking)
		return;
	page.looking = true;
	const answers = await Promise.all([get("status.json"), get("history.json")]).catch(() => null);
	page.looking = false;
	if (!page.paused && !document.hidden)
		page.timer = setTimeout(look, EVERY_MS);
	if (answers === null)
		showLink("lost", `No answer since ${clockWords(page.answered)}, trying again.`);
	else
		show(answers);
}

function pause() {
	page.paused = !page.paused;
	element("pause").setAttribute("aria-pressed", page.paused);
	clearTimeout(page.timer);
	if (page.paused)
		showLink("paused", "paused");
	else
		look();
}

document.addEventListener("DOMContentLoaded", () => {
	element("history").tHead.rows[0].append(
		...["lines", ...VERDICTS].map((name) => make("th", {scope: "col"}, name)));
	element("pause").addEventListener("click", pause);
	element("chart").addEventListener("pointermove", point);
	element("chart").addEventListener("pointerleave", () => {
		page.pointed = null;
		drawChart();
	});
	element("chart-details").addEventListener("toggle", () => page.history !== null && showHistory(page.history));
	new ResizeObserver(drawChart).observe(element("chart"));
	document.addEventListener("visibilitychange", () => {
		clearTimeout(page.timer);
		if (!document.hidden && !page.paused)
			look();
	});
	look();
});
