"use strict";
// The page can be read without this: it finds, moves, enlarges and compares.
(() => {
  const main = document.querySelector("main");
  const cards = [...main.querySelectorAll(".card")];
  const find = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const made = (name, text = "", type = "") => {
    const element = document.createElement(name);
    element.textContent = text;
    if (type) element.className = type;
    return element;
  };
  const search = find("#search"), told = find(".told"), viewer = find("#viewer"), keys = find("#keys");
  const shown = () => cards.filter((card) => !card.hidden);
  main.classList.toggle("many", cards.length > 100);
  let current = null;
  const say = (name, ranges) => {
    if (!window.Highlight) return;
    if (ranges.length) CSS.highlights.set(name, new Highlight(...ranges));
    else CSS.highlights.delete(name);
  };

  // A picture that is shown again has its bytes on the page once.
  for (const link of all(".zoom.again")) {
    const first = document.getElementById(link.hash.slice(1))?.querySelector("img");
    if (!first) continue;
    const copy = first.cloneNode();
    copy.alt = link.dataset.alt;
    link.replaceChildren(copy);
  }

  // The list of runs.
  const entries = new Map();
  for (const card of cards) {
    const link = made("a"), item = made("li");
    link.href = `#${card.id}`;
    const state = made("b", "", `state ${card.dataset.state}`);
    state.title = card.dataset.state;
    link.append(state, made("span", find("h2", card).textContent), made("code", card.dataset.tail));
    link.addEventListener("click", () => go(card, false));
    item.append(link);
    find(".index ol").append(item);
    entries.set(card, item);
  }
  const go = (card, scroll = true) => {
    current?.classList.remove("current");
    find("[aria-current]", find(".index"))?.removeAttribute("aria-current");
    current = card;
    if (!card) return;
    card.classList.add("current");
    const link = find("a", entries.get(card));
    link.setAttribute("aria-current", "true");
    link.scrollIntoView({ block: "nearest" });
    card.focus({ preventScroll: true });
    if (scroll) card.scrollIntoView({ block: "start" });
  };
  const move = (step) => {
    const visible = inPair() ? marked : shown();
    const at = visible.indexOf(current);
    const next = at < 0 ? (step > 0 ? 0 : visible.length - 1) : at + step;
    if (visible[next]) go(visible[next]);
  };

  // Search: every word must be in the run; chips narrow by state and by model.
  const texts = new Map();
  const textOf = (card) => {
    if (!texts.has(card)) {
      const sections = [...card.children].filter((part) => !part.matches(".wires"));
      texts.set(card, sections.map((part) => part.textContent).join("\n").toLowerCase());
    }
    return texts.get(card);
  };
  const chosen = { state: new Set(), model: new Set() };
  const highlight = (words) => {
    const ranges = [];
    for (const card of words.length ? shown() : []) {
      const walker = document.createTreeWalker(card, NodeFilter.SHOW_TEXT);
      for (let node; (node = walker.nextNode()) && ranges.length < 2000; ) {
        const text = node.data.toLowerCase();
        if (text.length !== node.data.length) continue;
        for (const word of words) {
          for (let at = text.indexOf(word); at >= 0 && ranges.length < 2000; at = text.indexOf(word, at + word.length)) {
            const range = new Range();
            range.setStart(node, at);
            range.setEnd(node, at + word.length);
            ranges.push(range);
          }
        }
      }
    }
    say("found", ranges);
  };
  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const card of cards) {
      const fits = Object.entries(chosen).every(([name, some]) => !some.size || some.has(card.dataset[name]));
      card.hidden = !(fits && words.every((word) => textOf(card).includes(word)));
      entries.get(card).hidden = card.hidden;
    }
    const count = shown().length;
    const runs = cards.length === 1 ? "run" : "runs";
    told.textContent = count === cards.length ? `${count} ${runs}` : `${count} of ${cards.length} ${runs}`;
    if (current?.hidden) go(null);
    highlight(words);
  };
  for (const name of Object.keys(chosen)) {
    const counts = new Map();
    for (const card of cards) counts.set(card.dataset[name], (counts.get(card.dataset[name]) ?? 0) + 1);
    if (counts.size < 2) continue;
    for (const [value, count] of counts) {
      const chip = made("button", `${value} ${count}`, name === "state" ? `state ${value}` : "");
      chip.type = "button";
      chip.setAttribute("aria-pressed", "false");
      chip.addEventListener("click", () => {
        const on = !chosen[name].delete(value);
        if (on) chosen[name].add(value);
        chip.setAttribute("aria-pressed", String(on));
        filter();
      });
      find(".facets").append(chip);
    }
  }
  search.addEventListener("input", filter);

  // Pictures, large.
  let pictures = [], at = 0;
  const enlarge = (number) => {
    at = (number + pictures.length) % pictures.length;
    const image = find("img", viewer), source = pictures[at];
    image.src = source.src;
    image.alt = source.alt;
    find("figcaption", viewer).textContent = source.alt;
    find(".place", viewer).textContent = `${at + 1} of ${pictures.length}`;
    for (const button of all(".previous, .next", viewer)) button.disabled = pictures.length < 2;
    if (!viewer.open) viewer.showModal();
  };
  const open = (image) => {
    pictures = (inPair() ? marked : shown()).flatMap((card) => all(".zoom img", card));
    enlarge(Math.max(pictures.indexOf(image), 0));
  };
  main.addEventListener("click", (event) => {
    const image = event.target.closest(".zoom")?.querySelector("img");
    if (!image || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open(image);
  });
  find(".previous", viewer).addEventListener("click", () => enlarge(at - 1));
  find(".next", viewer).addEventListener("click", () => enlarge(at + 1));
  viewer.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step && pictures.length > 1) enlarge(at + step);
  });
  for (const dialog of [viewer, keys]) {
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog || event.target.closest(".close")) dialog.close();
    });
  }
  find(".keys").addEventListener("click", () => keys.showModal());

  // Two runs, side by side.
  let marked = [];
  const bar = find(".pairbar");
  const inPair = () => main.classList.contains("pair");
  const rows = (card) => new Map(all(".facts [data-name]", card).map((row) => [row.dataset.name, row]));
  const compare = () => {
    const [left, right] = marked.map(rows);
    for (const [one, other] of [[left, right], [right, left]]) {
      for (const [name, row] of one) {
        const same = find("dd", row).textContent === (other.has(name) ? find("dd", other.get(name)).textContent : null);
        row.classList.toggle("differs", !same && name !== "fact run");
      }
    }
  };
  // The words of two answers that the other does not have, in the longest common order.
  const spoken = (card) =>
    all(".answered > .words.text", card).flatMap(({ firstChild: node }) =>
      node ? [...node.data.matchAll(/[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu)].map(({ 0: word, index }) => ({ word, node, index })) : []);
  const changed = (one, other) => {
    if (one.length > 2000 || other.length > 2000) return [];
    const width = other.length + 1, common = new Uint16Array((one.length + 1) * width);
    for (let i = one.length - 1; i >= 0; i--) {
      for (let j = other.length - 1; j >= 0; j--) {
        common[i * width + j] = one[i].word === other[j].word
          ? common[(i + 1) * width + j + 1] + 1
          : Math.max(common[(i + 1) * width + j], common[i * width + j + 1]);
      }
    }
    const different = [];
    let i = 0, j = 0;
    while (i < one.length || j < other.length) {
      if (one[i] && other[j] && one[i].word === other[j].word) i++, j++;
      else if (j === other.length || (i < one.length && common[(i + 1) * width + j] >= common[i * width + j + 1])) different.push(one[i++]);
      else different.push(other[j++]);
    }
    return different.map(({ word, node, index }) => {
      const range = new Range();
      range.setStart(node, index);
      range.setEnd(node, index + word.length);
      return range;
    });
  };
  const mark = (card) => {
    if (marked.includes(card)) marked = marked.filter((other) => other !== card);
    else marked = [...marked.slice(-1), card];
    marked.sort((a, b) => cards.indexOf(a) - cards.indexOf(b));
    for (const other of cards) {
      other.classList.toggle("marked", marked.includes(other));
      find(".mark input", other).checked = marked.includes(other);
    }
    const two = marked.length === 2;
    main.classList.toggle("pair", two);
    document.body.classList.toggle("paired", two);
    bar.hidden = !two;
    if (two) {
      for (const other of marked) other.hidden = false;
      compare();
      say("changed", changed(...marked.map(spoken)));
      find("span", bar).textContent = "Two runs side by side; what differs is marked.";
      go(card, false);
      window.scrollTo(0, 0);
    } else {
      say("changed", []);
      for (const row of all(".facts .differs")) row.classList.remove("differs");
      filter();
      if (current) go(current);
    }
  };
  const unpair = () => marked.slice().forEach(mark);
  for (const card of cards) find(".mark input", card).addEventListener("change", () => mark(card));
  find(".unpair").addEventListener("click", unpair);

  // Keys.
  const unfold = (card) => {
    const picture = find(".answered .zoom img", card) ?? find(".zoom img", card);
    if (picture) return open(picture);
    const folded = all("details", card);
    const closed = folded.some((one) => !one.open);
    for (const one of folded) one.open = closed;
  };
  const escape = () => {
    if (inPair()) return unpair();
    if (search.value) {
      search.value = "";
      filter();
    }
    search.blur();
  };
  const actions = {
    "/": () => search.focus(),
    "?": () => keys.showModal(),
    j: () => move(1),
    k: () => move(-1),
    o: () => current && unfold(current),
    c: () => current && mark(current),
    Escape: escape,
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || viewer.open || keys.open) return;
    const typing = event.target === search, first = shown()[0];
    if (typing && event.key === "Enter" && first) go(first);
    else if (typing && event.key !== "Escape") return;
    else if (event.key === "Enter" && event.target === current) unfold(current);
    else if (Object.hasOwn(actions, event.key)) actions[event.key]();
    else return;
    event.preventDefault();
  });
  main.addEventListener("focusin", (event) => {
    const card = event.target.closest(".card");
    if (card && card !== current) {
      current?.classList.remove("current");
      current = card;
      card.classList.add("current");
    }
  });

  find(".tools").hidden = false;
  for (const label of all(".mark")) label.hidden = false;
  filter();
})();
