/* page.js - what a page does: theme, printing, tables sorted by their headings. All words it shows
 * are in the page. Nothing is needed to read it. */
(function () {
  "use strict";

  /* ---- light and dark ---- */
  var THEMES = ["", "light", "dark"];
  var root = document.documentElement, themeButton = document.getElementById("theme");
  function recall() {
    try { return localStorage.getItem("flopledger-theme") || ""; } catch (e) { return ""; }
  }
  function setTheme(theme) {
    if (theme) root.setAttribute("data-theme", theme); else root.removeAttribute("data-theme");
    themeButton.textContent = themeButton.getAttribute("data-" + THEMES.indexOf(theme));
    try { localStorage.setItem("flopledger-theme", theme); } catch (e) { /* a page without a store */ }
  }
  themeButton.hidden = false;
  themeButton.addEventListener("click", function () {
    var at = THEMES.indexOf(root.getAttribute("data-theme") || "");
    setTheme(THEMES[(at + 1) % THEMES.length]);
  });
  if (THEMES.indexOf(recall()) > 0) setTheme(recall());

  /* ---- printing ---- */
  var printButton = document.getElementById("print");
  printButton.hidden = false;
  printButton.addEventListener("click", function () { window.print(); });

  /* ---- sorting ----
   * A cell's value is its first number, with the prefix of its unit: "1.2 ms", "34.5 GFLOP",
   * "1,234", "2.0 KiB", "2 m 03 s". Rows with none keep below. */
  var SCALES = {
    ns: 1e-9, us: 1e-6, "µs": 1e-6, ms: 1e-3, s: 1, m: 60,
    k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15, E: 1e18,
    Ki: 1024, Mi: 1048576, Gi: 1073741824, Ti: 1099511627776, Pi: 1125899906842624
  };
  function scaleOf(unit) {
    if (Object.prototype.hasOwnProperty.call(SCALES, unit)) return SCALES[unit];
    var binary = /^([KMGTP]i)B/.exec(unit), decimal = /^([kMGTPE])(?:FLOP|B|MAC|$)/.exec(unit);
    return binary ? SCALES[binary[1]] : decimal ? SCALES[decimal[1]] : 1;
  }
  function valueOf(text) {
    var match = /^\s*([+\u2212-]?)\s*([0-9][0-9,]*(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?)\s*([^\s\[(]*)/.exec(text);
    if (!match) return null;
    var value = Number(match[2].replace(/,/g, "")) * scaleOf(match[3]);
    var seconds = match[3] === "m" ? /m\s+([0-9.]+)\s*s/.exec(text) : null;
    if (seconds) value += Number(seconds[1]);
    return match[1] && match[1] !== "+" ? -value : value;
  }
  function compare(a, b) {
    if (a.value === null || b.value === null) {
      if (a.value === null && b.value === null) return a.text < b.text ? -1 : a.text > b.text ? 1 : 0;
      return a.value === null ? 1 : -1;
    }
    return a.value - b.value;
  }
  function sortBody(body, column, direction) {
    var rows = Array.prototype.map.call(body.rows, function (row, i) {
      if (!row.hasAttribute("data-at")) row.setAttribute("data-at", String(i));
      var text = row.cells[column].textContent;
      return { row: row, text: text, value: valueOf(text), at: Number(row.getAttribute("data-at")) };
    });
    rows.sort(function (a, b) {
      var order = direction === 0 ? 0 : compare(a, b);
      var both = (a.value === null) === (b.value === null); /* no value: below, in either order */
      return (direction < 0 && both ? -order : order) || a.at - b.at;
    });
    rows.forEach(function (entry) { body.appendChild(entry.row); });
  }
  var ORDERS = ["none", "ascending", "descending"];
  function sortBy(table, heading) {
    var next = ORDERS[(ORDERS.indexOf(heading.getAttribute("aria-sort")) + 1) % ORDERS.length];
    Array.prototype.forEach.call(table.tHead.rows[0].cells, function (cell) {
      cell.setAttribute("aria-sort", "none");
    });
    heading.setAttribute("aria-sort", next);
    var direction = next === "ascending" ? 1 : next === "descending" ? -1 : 0;
    Array.prototype.forEach.call(table.tBodies, function (body) {
      sortBody(body, heading.cellIndex, direction);
    });
  }
  function makeSortable(table) {
    var longest = 0;
    Array.prototype.forEach.call(table.tBodies, function (body) {
      longest = Math.max(longest, body.rows.length);
    });
    if (!table.tHead || longest < 2) return;
    Array.prototype.forEach.call(table.tHead.rows[0].cells, function (heading) {
      var button = document.createElement("button");
      button.type = "button";
      button.textContent = heading.textContent;
      button.setAttribute("aria-describedby", "sort-hint");
      heading.textContent = "";
      heading.appendChild(button);
      heading.setAttribute("aria-sort", "none");
      button.addEventListener("click", function () { sortBy(table, heading); });
    });
  }
  Array.prototype.forEach.call(document.querySelectorAll("main table"), makeSortable);

  /* a link into a folded part opens it */
  function unfold() {
    var target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    for (var at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  }
  window.addEventListener("hashchange", unfold);
  unfold();

  window.flopledger = { valueOf: valueOf };
})();
