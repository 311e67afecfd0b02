// Copyright (c) 2026 the gangway.docker authors
// GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
"use strict";
(() => {
  const all = (selector, inside = document) => [...inside.querySelectorAll(selector)];
  const one = (selector) => document.querySelector(selector);
  const query = one("#query"), fleet = one("#fleet"), buttons = all(".buttons button");
  const lower = (element) => element.textContent.toLowerCase();

  // What is searched is read once.
  const rows = all(".endpoints tbody tr");
  const texts = new Map(rows.map((row) => [row.dataset.e, `${lower(row)} ${row.dataset.fleet.toLowerCase()}`]));
  const groups = all(".group").map((group) => ({
    element: group,
    health: group.dataset.health,
    text: lower(group.querySelector("summary")) + all(".body > p", group).map(lower).join(" "),
    count: group.querySelector(".count"),
    items: all("li", group).map((item) => ({ element: item, text: lower(item), fleet: item.dataset.fleet })),
  }));
  const squares = all(".map a"), cells = all(".matrix tbody tr"), clients = all(".clients tbody tr");
  const nothing = all(".nothing"), matrices = all(".matrices");

  // Names of endpoints lead to findings and back: a search for the text of a finding shows the hosts that have it.
  for (const group of groups) {
    for (const item of group.items) {
      const number = item.element.dataset.e;
      if (texts.has(number)) texts.set(number, `${texts.get(number)} ${group.text} ${item.text}`);
    }
  }

  const state = { q: "", fleet: "", health: "" };

  function apply() {
    const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (text) => words.every((word) => text.includes(word));
    const shown = new Set();
    for (const row of rows) {
      const { e, health, fleet: of } = row.dataset;
      const show = (!state.fleet || of === state.fleet) && (!state.health || health === state.health) && fits(texts.get(e));
      row.hidden = !show;
      if (show) shown.add(e);
    }
    for (const element of [...squares, ...cells]) element.hidden = !shown.has(element.dataset.e);
    for (const matrix of matrices) matrix.hidden = !matrix.querySelector("tbody tr:not([hidden])");
    for (const element of clients) element.hidden = Boolean(state.fleet) && element.dataset.fleet !== state.fleet;
    let groupsShown = 0;
    for (const group of groups) {
      let number = 0;
      for (const item of group.items) {
        const show = (!state.fleet || item.fleet === state.fleet) && fits(`${group.text} ${item.text}`);
        item.element.hidden = !show;
        number += show;
      }
      const show = number > 0 && (!state.health || group.health === state.health);
      group.element.hidden = !show;
      group.count.textContent = number;
      groupsShown += show;
    }
    nothing[0].hidden = groupsShown > 0 || groups.length === 0;
    nothing[1].hidden = shown.size > 0;
    one("#shown").textContent = shown.size === rows.length ? `${rows.length} endpoints` : `${shown.size} of ${rows.length} endpoints`;
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.health === state.health));
    const words_of = Object.entries(state).filter(([, value]) => value);
    const hash = words_of.length ? `#?${new URLSearchParams(words_of)}` : "";
    if (hash || location.hash.startsWith("#?")) history.replaceState(null, "", hash || location.pathname + location.search);
  }

  // A filter is part of the address, so that it can be sent to somebody.
  function restore() {
    if (!location.hash.startsWith("#?")) return;
    const given = new URLSearchParams(location.hash.slice(2));
    for (const name of Object.keys(state)) state[name] = given.get(name) || "";
    query.value = state.q;
    if (fleet) fleet.value = state.fleet;
  }

  function sortBy(head, column) {
    const up = head.getAttribute("aria-sort") !== "ascending";
    for (const other of all("th[aria-sort]", head.parentElement)) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const value = (row) => head.dataset.sort === "number" ? Number(row.children[column].dataset.order || Infinity) : lower(row.children[column]);
    const compare = (a, b) => typeof a === "number" ? (a === b ? 0 : a - b) : a.localeCompare(b, undefined, { numeric: true });
    const sorted = rows.map((row) => [value(row), row]).sort(([a], [b]) => compare(a, b) * (up ? 1 : -1));
    one(".endpoints tbody").append(...sorted.map(([, row]) => row));
  }

  query.addEventListener("input", () => { state.q = query.value; apply(); });
  if (fleet) fleet.addEventListener("change", () => { state.fleet = fleet.value; apply(); });
  for (const button of buttons) button.addEventListener("click", () => { state.health = button.dataset.health; apply(); });
  for (const control of [query, fleet, ...buttons]) if (control) control.disabled = false;
  all(".endpoints thead th").forEach((head, column) => {
    if (!head.dataset.sort) return;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    button.addEventListener("click", () => sortBy(head, column));
    head.replaceChildren(button);
  });
  for (const bar of all(".bar")) {
    bar.addEventListener("click", () => {
      for (const other of all(".bar[aria-current]")) other.removeAttribute("aria-current");
      bar.setAttribute("aria-current", "true");
      one("#detail").textContent = bar.getAttribute("aria-label");
    });
  }
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !/INPUT|SELECT/.test(document.activeElement.tagName)) { event.preventDefault(); query.focus(); }
  });
  const theme = one("#theme");
  theme.hidden = false;
  theme.addEventListener("click", () => {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });
  window.addEventListener("hashchange", () => { if (location.hash.startsWith("#?")) { restore(); apply(); } });
  restore();
  apply();
})();
