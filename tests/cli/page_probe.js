/* page_probe.js - looks at a page from within, for tests/cli/test_cli_page.c: writes a line a check
 * into <pre id="probe">, "name: ok" or "name: FAILED: why". */
window.addEventListener("load", function () {
  var lines = [], all = function (q) { return Array.prototype.slice.call(document.querySelectorAll(q)); };
  function check(name, action) {
    var why;
    try { why = action(); } catch (e) { why = String(e); }
    lines.push(name + ": " + (why ? "FAILED: " + why : "ok"));
  }
  function describe(element) { return element.outerHTML.slice(0, 90); }

  check("errors", function () { return window.probeErrors.join("; "); });
  check("requests", function () {
    return performance.getEntriesByType("resource").map(function (r) { return r.name; }).join(" ");
  });
  check("ids", function () {
    var seen = {}, twice = all("[id]").filter(function (e) { var was = seen[e.id]; seen[e.id] = true; return was; });
    return twice.map(describe).join(" ");
  });
  check("links", function () {
    return all("a[href^='#']").filter(function (a) { return !document.getElementById(a.getAttribute("href").slice(1)); }).map(describe).join(" ");
  });
  check("language", function () {
    var link = document.getElementById("language");
    return link && /^index(\.zh)?\.html$/.test(link.getAttribute("href")) ? "" : "no link to the other language";
  });

  /* ---- tables ---- */
  function column(table, at) {
    return Array.prototype.map.call(table.tBodies, function (body) {
      return Array.prototype.map.call(body.rows, function (row) { return flopledger.valueOf(row.cells[at].textContent); });
    });
  }
  function rises(bodies, sign) {
    return bodies.every(function (values) {
      return values.every(function (v, i) { return i === 0 || v === null || values[i - 1] === null || sign * (v - values[i - 1]) >= 0; });
    });
  }
  check("units", function () {
    var cases = [["1.2 ms", 1.2e-3], ["34.5 GFLOP", 34.5e9], ["1,234", 1234], ["-5", -5], ["+3.5 %", 3.5], ["2.0 KiB", 2048],
                 ["2 m 03 s", 123], ["7 us [1 us, 9 us]", 7e-6], ["409.4 k", 409400], ["causal", null], ["-", null], ["12", 12], ["1 s", 1]];
    return cases.filter(function (c) { var v = flopledger.valueOf(c[0]); return c[1] === null ? v !== null : !(Math.abs(v - c[1]) <= 1e-9 * Math.abs(c[1])); })
      .map(function (c) { return c[0] + " is " + flopledger.valueOf(c[0]); }).join("; ");
  });
  function rowsOf(table) {
    return Array.prototype.map.call(table.tBodies[0].rows, function (row) { return row.textContent; }).join("\n");
  }
  check("sort", function () {
    var buttons = all("thead th button"), why = buttons.length < 10 ? "few buttons: " + buttons.length : "";
    buttons.forEach(function (button) {
      var heading = button.parentNode, table = heading.closest("table"), at = heading.cellIndex;
      var first = rowsOf(table);
      if (heading.getAttribute("aria-sort") !== "none") why = why || "starts sorted: " + describe(heading);
      button.click();
      if (heading.getAttribute("aria-sort") !== "ascending" || !rises(column(table, at), 1)) why = why || "ascending: " + describe(heading);
      button.click();
      if (heading.getAttribute("aria-sort") !== "descending" || !rises(column(table, at), -1)) why = why || "descending: " + describe(heading);
      button.click();
      if (heading.getAttribute("aria-sort") !== "none" || rowsOf(table) !== first) why = why || "not as before: " + describe(heading);
    });
    return why;
  });

  /* ---- keyboard ---- (paper has none) */
  var FOCUSABLE = "a[href], button, input, select, summary, [tabindex]";
  function isShown(element) { return element.getClientRects().length > 0; }
  function nameOf(element) {
    var by = element.getAttribute("aria-labelledby"), label = element.closest("label");
    return element.getAttribute("aria-label") || (by && document.getElementById(by).textContent) ||
      (label && label.textContent) || element.textContent;
  }
  if (!window.probePaper) check("tab order", function () {
    var stops = all(FOCUSABLE).filter(function (e) { return isShown(e) && e.tabIndex >= 0; });
    if (!stops[0].classList.contains("skip")) return "the first stop is " + describe(stops[0]);
    return stops.filter(function (e) { return e.tabIndex > 0; }).map(describe).join(" ");
  });
  if (!window.probePaper) check("names", function () {
    return all(FOCUSABLE).filter(function (e) { return isShown(e) && e.tabIndex >= 0 && !nameOf(e).trim(); }).map(describe).join(" ");
  });
  if (!window.probePaper) check("focus", function () {
    var kinds = {}; /* one of each kind: every other looks the same */
    return all(FOCUSABLE).filter(function (e) {
      var kind = e.tagName + e.className + e.type + (e.closest("nav") ? "nav" : ""), is_new = !kinds[kind] && isShown(e);
      kinds[kind] = kinds[kind] || is_new;
      return is_new;
    }).filter(function (e) {
      if (e.tabIndex < 0) return false;
      e.focus({ focusVisible: true });
      var style = getComputedStyle(e);
      return document.activeElement !== e || style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2;
    }).map(describe).join(" ");
  });
  if (!window.probePaper) check("skip", function () {
    document.querySelector(".skip").click();
    return location.hash === "#content" ? "" : location.hash;
  });

  /* ---- colours: WCAG 2.1, contrast of 4.5 ---- */
  function luminance(colour) {
    var parts = colour.match(/[\d.]+/g).slice(0, 3).map(function (part) {
      var c = Number(part) / 255;
      return c <= 0.03928 ? c / 12.92 : Math.pow((c + 0.055) / 1.055, 2.4);
    });
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  }
  function paperOf(element) {
    for (var at = element; at; at = at.parentElement) {
      var colour = getComputedStyle(at).backgroundColor;
      if (!/, 0\)$|transparent/.test(colour)) return colour;
    }
    return "rgb(255, 255, 255)";
  }
  function contrast(a, b) {
    var x = luminance(a), y = luminance(b);
    return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
  }
  function checkContrast() {
    var seen = {}, poor = all("p, li, h1, h2, h3, a, b, th, td, button, select, input, figcaption, summary, strong, legend, dt, dd, small, .warning, .remark, svg text")
      .filter(function (e) {
        var style = getComputedStyle(e), kind = e.tagName + e.className + e.parentNode.className + style.color + style.fill;
        if (seen[kind] || !isShown(e)) return false;
        seen[kind] = true;
        return contrast(e.tagName === "text" ? style.fill : style.color, paperOf(e)) < 4.5;
      });
    return poor.map(function (e) { return describe(e) + " " + getComputedStyle(e).color + " on " + paperOf(e); }).slice(0, 3).join(" ");
  }
  var theme = document.getElementById("theme"), wanted = /scheme=(\w+)/.exec(location.search || "");
  if (!window.probePaper) check("theme as the system", function () {
    var dark = luminance(getComputedStyle(document.body).backgroundColor) < 0.2;
    return wanted && (wanted[1] === "dark") !== dark ? "not " + wanted[1] : checkContrast();
  });
  if (!window.probePaper) check("theme light", function () {
    theme.click();
    return luminance(getComputedStyle(document.body).backgroundColor) < 0.8 ? "not light" : checkContrast();
  });
  if (!window.probePaper) check("theme dark", function () {
    theme.click();
    return luminance(getComputedStyle(document.body).backgroundColor) > 0.2 ? "not dark" : checkContrast();
  });
  if (!window.probePaper) check("theme again", function () {
    theme.click();
    return document.documentElement.hasAttribute("data-theme") ? "not as the system" : "";
  });

  /* ---- layout ---- */
  check("overflow", function () {
    var room = document.documentElement.clientWidth, most = document.documentElement.scrollWidth;
    if (most <= room) return "";
    var wide = all("main *, header *, nav *").filter(function (e) {
      return e.getBoundingClientRect().right > room + 1 && !e.closest(".scroll, .paper, .said, .skip");
    });
    return most + " in " + room + ": " + wide.slice(0, 3).map(describe).join(" ");
  });
  if (window.probePaper) check("paper", function () { /* on paper nothing scrolls, so nothing may be cut */
    var room = document.documentElement.clientWidth;
    return all("table, svg, .totals, fieldset").filter(isShown).filter(function (e) { return e.getBoundingClientRect().right > room + 1; })
      .map(function (e) { return describe(e.closest("figure") || e) + " " + e.getBoundingClientRect().right; }).slice(0, 4).join(" ");
  });

  /* ---- calculator ---- */
  function set(name, value) {
    var input = document.getElementById("calc-" + name);
    input.value = value;
    input.dispatchEvent(new Event(input.tagName === "SELECT" ? "change" : "input"));
  }
  check("calculator", function () {
    var rows = all("#calc-table tbody tr").length;
    if (rows < 10) return rows + " rows";
    set("s", "1"); set("p", "100"); set("cache", "on");
    var cached = flopledger.shown.exact;
    set("cache", "off");
    if (!(flopledger.shown.exact > 50n * cached)) return "without the cache " + flopledger.shown.exact + ", with it " + cached;
    set("kernel", "flash");
    if (!all("#calc-table tbody th").some(function (th) { return th.textContent === "attention"; })) return "no fused attention";
    set("peak", "100"); set("bandwidth", "20");
    if (all("#calculator .totals dt").length !== 8) return "no time";
    var sum = all("#calc-table tbody tr").reduce(function (n, row) { return n + BigInt(row.cells[3].textContent.replace(/,/g, "")); }, 0n);
    if (sum !== flopledger.shown.exact) return "rows add up to " + sum;
    set("n_kv", "3");
    if (!document.querySelector("#calculator .complaint").textContent) return "3 key/value heads for 4 heads are taken";
    set("n_kv", "4"); set("s", "1.5");
    return document.querySelector("#calculator .complaint").textContent ? "" : "one and a half tokens are taken";
  });

  var pre = document.createElement("pre");
  pre.id = "probe";
  pre.textContent = lines.join("\n") + "\nprobe: done\n";
  document.body.appendChild(pre);
});
