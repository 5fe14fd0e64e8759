/* calculator.js - the ledger's formulas on a page, in whole numbers of any size (BigInt): nothing is
 * rounded, so every figure is the program's own to the last digit. The rows, the models and
 * all words come as JSON from calculator.c; what follows from a shape is said in `environment`, as
 * lib/ledger/environment.c says it. tests/cli/test_cli_calculator.c holds both equal. */
(function () {
  "use strict";

  /* ---- rationals: [numerator, denominator], the latter above 0, in lowest terms ---- */
  function gcd(a, b) {
    if (a < 0n) a = -a;
    while (b) { var rest = a % b; a = b; b = rest; }
    return a || 1n;
  }
  function rational(n, d) {
    if (d < 0n) { n = -n; d = -d; }
    var divisor = gcd(n, d);
    return [n / divisor, d / divisor];
  }
  function whole(value) { return [BigInt(value), 1n]; }

  /* ---- formulas: sums of products of numbers, symbols, parentheses and whole powers ---- */
  function parse(text) {
    var at = 0;
    function peek() { while (text[at] === " ") at++; return text[at]; }
    function factor() {
      var node, start;
      if (peek() === "(") {
        at++;
        node = sum();
        peek();
        at++;
      } else if (/[0-9]/.test(peek())) {
        for (start = at; at < text.length && /[0-9]/.test(text[at]);) at++;
        node = { kind: "n", value: BigInt(text.slice(start, at)) };
      } else {
        for (start = at; at < text.length && /[A-Za-z_]/.test(text[at]);) at++;
        node = { kind: "s", symbol: text.slice(start, at) };
      }
      if (peek() !== "^") return node;
      at++;
      peek();
      return { kind: "^", left: node, power: Number(text[at++]) };
    }
    function chain(operations, operand) {
      var left = operand();
      while (peek() && operations.indexOf(text[at]) >= 0) {
        var kind = text[at++];
        left = { kind: kind, left: left, right: operand() };
      }
      return left;
    }
    function product() { return chain("*/", factor); }
    function sum() { return chain("+-", product); }
    return sum();
  }
  function evaluate(node, values) {
    if (node.kind === "n") return [node.value, 1n];
    if (node.kind === "s") return values[node.symbol];
    var a = evaluate(node.left, values), result, b;
    if (node.kind === "^") {
      result = [1n, 1n];
      for (var i = 0; i < node.power; i++) result = rational(result[0] * a[0], result[1] * a[1]);
      return result;
    }
    b = evaluate(node.right, values);
    if (node.kind === "+") return rational(a[0] * b[1] + b[0] * a[1], a[1] * b[1]);
    if (node.kind === "-") return rational(a[0] * b[1] - b[0] * a[1], a[1] * b[1]);
    if (node.kind === "/") return rational(a[0] * b[1], a[1] * b[0]);
    return rational(a[0] * b[0], a[1] * b[1]);
  }
  var parsed = {};
  function formula(text) { return parsed[text] || (parsed[text] = parse(text)); }
  function valueOf(text, values) { return evaluate(formula(text), values); }
  function add(a, b) { return rational(a[0] * b[1] + b[0] * a[1], a[1] * b[1]); }

  /* ---- from a model and a shape to the symbols' values and the features ---- */
  function stretches(n, keys) { /* sum of floor(q / keys) over q below n */
    var full = n / keys;
    return keys * (full * (full - 1n) / 2n) + full * (n - full * keys);
  }
  function rescales(p, t, window, keys) {
    var n = stretches(t, keys) - stretches(p, keys);
    if (window > 0n && t > window)
      n -= stretches(t - window + 1n, keys) - stretches(p >= window ? p - window + 1n : 0n, keys);
    return n;
  }
  function setPairs(data, values, full) {
    var p = values.p[0], t = values.t[0], window = values.W[0], rows = data.pairs;
    var windowed = window > 0n && t > window, moved = window > 0n && p >= window;
    var exact = !windowed ? rows.exact : p < window ? rows.exact_entering : rows.exact_window;
    var text = full ? (moved ? rows.full_window : rows.full) : exact;
    values.rescales = whole(rescales(p, t, window, BigInt(data.fused_keys)));
    values.keys = valueOf(moved ? rows.keys_window : rows.keys, values);
    values.pairs = values.visible = valueOf(text, values);
  }
  /* input: {b, s, p: numbers; cache: boolean; kernel: naive, causal or flash; logits: last, all or
   * none; format, cache_format: indices of data.formats} */
  function environment(data, model, input) {
    var values = {}, features = model.features >>> 0, name;
    for (name in model.values) values[name] = whole(model.values[name]);
    var b = BigInt(input.b), s = BigInt(input.s), p = BigInt(input.p);
    if (!input.cache) { s += p; p = 0n; }
    var r = input.logits === "all" ? s : input.logits === "last" ? 1n : 0n;
    var hit = values.E[0], used = values.k[0];
    if (hit > 0n && b * s * used < hit) hit = b * s * used;
    values.b = whole(b);
    values.s = whole(s);
    values.p = whole(p);
    values.t = whole(p + s);
    values.r = whole(r);
    values.e = whole(hit);
    values.x = values.s_e = whole(0);
    values.c = whole(data.formats[input.cache_format].bytes);
    values.w = whole(4);
    if (input.kernel === "naive") features |= data.features.rectangle;
    if (r > 0n) features |= data.features.logits;
    features |= input.kernel === "flash" ? data.features.fused : data.features.stepwise;
    setPairs(data, values, input.kernel === "naive");
    return { values: values, features: features >>> 0 };
  }
  function textbook(data, env) {
    var values = Object.assign({}, env.values);
    values.n_kv = values.n_h;
    values.d_h = rational(values.h[0], values.n_h[0]);
    values.f = rational(values.h[0] * 4n, 1n);
    values.k = whole(1);
    values.r = values.s;
    values.pairs = values.visible = rational(values.s[0] * values.t[0], 1n);
    var features = (env.features & ~data.features.textbook_without) | data.features.textbook_with;
    return { values: values, features: features >>> 0 };
  }
  function applies(env, features) { return ((env.features & features) >>> 0) === (features >>> 0); }

  /* Bytes per weight: rows that are no whole blocks of the format are stored in a shorter one. */
  function width(data, format, columns, values) {
    var n = valueOf(columns, values)[0], at = format;
    while (n % BigInt(data.formats[at].block) !== 0n) at = data.formats[at].shorter;
    return rational(BigInt(data.formats[at].bytes), BigInt(data.formats[at].block));
  }

  /* ---- the ledger of one forward pass ---- */
  function operatorOf(data, env, book, op, input) {
    var row = data.operators[op], zero = [0n, 1n];
    var values = Object.assign({}, env.values);
    if (row.columns) values.w = width(data, input.format, row.columns, env.values);
    var out = { op: op, present: false, exact: zero, textbook: zero, read: zero, written: zero,
                texts: [], values: values, times: row.global ? 1n : env.values.L[0] };
    data.flops.forEach(function (piece) {
      if (piece[0] !== op || !applies(env, piece[1])) return;
      out.exact = add(out.exact, valueOf(piece[2], values));
      out.texts.push(piece[2]);
    });
    data.bytes.forEach(function (piece) {
      if (piece[0] !== op || !applies(env, piece[1])) return;
      out.present = true;
      out.read = add(out.read, valueOf(piece[2], values));
      out.written = add(out.written, valueOf(piece[3], values));
    });
    data.textbook.forEach(function (piece) {
      if (piece[0] === op && applies(book, piece[1])) out.textbook = valueOf(piece[2], book.values);
    });
    out.present = out.present || out.textbook[0] !== 0n;
    ["exact", "textbook", "read", "written"].forEach(function (name) {
      out[name] = out[name][0] / out[name][1]; /* whole but for bytes of mixed blocks */
    });
    return out;
  }
  function ledger(data, model, input) {
    var env = environment(data, model, input), book = textbook(data, env);
    var result = { operators: [], exact: 0n, textbook: 0n, read: 0n, written: 0n };
    data.operators.forEach(function (row, op) {
      var out = operatorOf(data, env, book, op, input);
      if (!out.present) return;
      result.operators.push(out);
      ["exact", "textbook", "read", "written"].forEach(function (name) {
        result[name] += out.times * out[name];
      });
    });
    var activations = input.kernel === "flash" ? "activations_fused" : "activations";
    result.kv_cache = valueOf(data.memory.kv_cache, env.values)[0];
    result.activations = valueOf(data.memory[activations], env.values)[0];
    return result;
  }

  var exported = { ledger: ledger, parse: parse, evaluate: evaluate };
  if (typeof module !== "undefined") { module.exports = exported; return; }
  window.flopledger = Object.assign(window.flopledger || {}, exported);

  /* ---- numbers for people ---- */
  function grouped(value) { return String(value).replace(/\B(?=(\d{3})+(?!\d))/g, ","); }
  function scaled(value, unit, step, prefixes) {
    var i = 0, number = Number(value);
    while (number >= step && i + 1 < prefixes.length) { number /= step; i++; }
    return (i ? number.toPrecision(4) : String(number)) + " " + prefixes[i] + unit;
  }
  function flopText(value) { return scaled(value, "FLOP", 1000, ["", "k", "M", "G", "T", "P", "E"]); }
  function byteText(value) { return scaled(value, "B", 1024, ["", "Ki", "Mi", "Gi", "Ti", "Pi"]); }
  function timeText(seconds) {
    var units = [[1, "s"], [1e-3, "ms"], [1e-6, "µs"], [1e-9, "ns"]];
    for (var i = 0; i < units.length; i++)
      if (seconds >= units[i][0] || i === units.length - 1)
        return (seconds / units[i][0]).toPrecision(3) + " " + units[i][1];
  }
  function ratioText(flops, bytes) { return bytes > 0n ? (Number(flops) / Number(bytes)).toPrecision(3) : "–"; }

  /* ---- formulas for people ---- */
  var SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹", LEVELS = { "+": 1, "-": 1, "*": 2, "/": 2, "^": 3 };
  function putSymbol(parent, shown) {
    var match = /^(.)_\{?([^}]*)\}?$/.exec(shown);
    var letter = document.createElement("i");
    letter.textContent = match ? match[1] : shown;
    parent.appendChild(letter);
    if (!match) return;
    var sub = document.createElement("sub");
    sub.textContent = match[2];
    parent.appendChild(sub);
  }
  /* values: numbers in place of symbols. */
  function putFormula(parent, node, shown, values) {
    function put(text) { parent.appendChild(document.createTextNode(text)); }
    function operand(child, least) {
      var brackets = (LEVELS[child.kind] || 4) < least;
      if (brackets) put("(");
      putFormula(parent, child, shown, values);
      if (brackets) put(")");
    }
    if (node.kind === "n") put(String(node.value));
    else if (node.kind === "s" && values) {
      var value = values[node.symbol];
      put(String(value[0]) + (value[1] === 1n ? "" : "/" + value[1]));
    } else if (node.kind === "s") putSymbol(parent, shown[node.symbol]);
    else if (node.kind === "^") { operand(node.left, 4); put(SUPERSCRIPTS[node.power]); }
    else {
      var level = LEVELS[node.kind];
      operand(node.left, level);
      put(node.kind === "*" ? "·" : node.kind === "/" ? "/" : " " + (node.kind === "-" ? "−" : "+") + " ");
      operand(node.right, level + (node.kind === "+" ? 0 : 1));
    }
  }

  /* ---- the page ---- */
  var place = document.getElementById("calculator"), source = document.getElementById("ledger");
  if (!place || !source) return;
  var data = JSON.parse(source.textContent), words = data.words, shown = {}, meaning = {};
  data.symbols.forEach(function (symbol) {
    shown[symbol.name] = symbol.shown;
    meaning[symbol.name] = symbol.meaning;
  });
  var models = data.models.concat(data.presets);
  var model, controls = {}, complaint, totals, body;

  function make(tag, attributes, text) {
    var element = document.createElement(tag);
    for (var name in attributes || {}) element.setAttribute(name, attributes[name]);
    if (text !== undefined) element.textContent = text;
    return element;
  }
  function within(parent, child) { parent.appendChild(child); return child; }

  /* Sliders stop at 2^n and 3·2^n, where shapes are; the number beside it takes any. */
  var STOPS = [0, 1];
  for (var power = 2; power <= 1 << 24; power *= 2) STOPS.push(power, power * 1.5);
  function nearest(value) {
    var best = 0;
    STOPS.forEach(function (stop, i) { if (Math.abs(stop - value) < Math.abs(STOPS[best] - value)) best = i; });
    return best;
  }
  function addNumber(parent, name, least, most, onChange) {
    var label = within(parent, make("label"));
    var text = within(label, make("span", { title: meaning[name] }));
    putSymbol(text, shown[name]);
    text.appendChild(document.createTextNode(" – " + meaning[name]));
    var number = within(label, make("input", { type: "number", min: least, max: most, step: 1, id: "calc-" + name }));
    var range = within(label, make("input", { type: "range", min: nearest(least), max: nearest(most), step: 1,
                                              "aria-label": meaning[name] }));
    function set(value) {
      number.value = String(value);
      range.value = String(nearest(value));
      range.setAttribute("aria-valuetext", String(value));
    }
    number.addEventListener("input", function () {
      range.value = String(nearest(Number(number.value)));
      onChange(name);
    });
    range.addEventListener("input", function () {
      set(Math.max(least, Math.min(most, STOPS[Number(range.value)])));
      onChange(name);
    });
    controls[name] = {
      set: set,
      get: function () {
        var value = Number(number.value), good = Number.isInteger(value) && number.value !== "" && value >= least && value <= most;
        number.setAttribute("aria-invalid", good ? "false" : "true");
        return good ? value : null;
      }
    };
  }
  function addChoice(parent, name, title, options, onChange) {
    var label = within(parent, make("label", name === "cache" ? { "class": "wide" } : null));
    within(label, make("span", null, title));
    var select = within(label, make("select", { id: "calc-" + name }));
    options.forEach(function (option) { within(select, make("option", { value: option[0] }, option[1])); });
    select.addEventListener("change", onChange);
    controls[name] = { select: select, get: function () { return select.value; } };
  }
  function group(title) {
    var set = within(place, make("fieldset"));
    within(set, make("legend", null, title));
    return within(set, make("div", { "class": "inputs" }));
  }

  /* What was tied before a change stays tied: heads that fill h, as many key/value heads, f = 4h. */
  var before = {};
  function remember() { ["h", "n_h", "n_kv", "d_h", "f"].forEach(function (name) { before[name] = controls[name].get(); }); }
  function follow(name) {
    var h = controls.h.get(), heads = controls.n_h.get();
    if (name === "h" && h && before.f === 4 * before.h) controls.f.set(4 * h);
    if (name === "n_h" && heads && before.n_kv === before.n_h) controls.n_kv.set(heads);
    if ((name === "h" || name === "n_h") && h && heads && before.n_h * before.d_h === before.h && h % heads === 0)
      controls.d_h.set(h / heads);
    remember();
    update();
  }
  function choose() {
    model = models[Number(controls.model.get())];
    ["L", "h", "n_h", "n_kv", "d_h", "f", "V"].forEach(function (name) { controls[name].set(model.values[name]); });
    remember();
    update();
  }
  /* The model as it stands in the form; null when a number is wrong. */
  function current() {
    var values = Object.assign({}, model.values), good = true;
    ["L", "h", "n_h", "n_kv", "d_h", "f", "V"].forEach(function (name) {
      values[name] = controls[name].get();
      good = good && values[name] !== null;
    });
    if (model.values.d_r === model.values.d_h) values.d_r = values.d_h;
    return good ? { features: model.features, values: values } : null;
  }
  function currentInput() {
    var input = { b: controls.b.get(), s: controls.s.get(), p: controls.p.get(),
                  cache: controls.cache.get() === "on", kernel: controls.kernel.get(),
                  logits: controls.logits.get(), format: Number(controls.format.get()),
                  cache_format: Number(controls.cache_format.get()) };
    return input.b === null || input.s === null || input.p === null ? null : input;
  }
  function ceilings() {
    var peak = Number(controls.peak.value), bandwidth = Number(controls.bandwidth.value);
    return peak > 0 && bandwidth > 0 ? { peak: peak * 1e9, bandwidth: bandwidth * 1e9 } : null;
  }
  function boundOf(flops, bytes, machine) {
    if (!machine || (flops === 0n && bytes === 0n)) return "–";
    return Number(flops) / machine.peak > Number(bytes) / machine.bandwidth ? words.CALC_COMPUTE : words.CALC_MEMORY;
  }

  function putTotal(title, text, exact) {
    var box = within(totals, make("div"));
    within(box, make("dt", null, title));
    var value = within(box, make("dd", null, text));
    if (exact !== undefined) within(value, make("small", null, exact));
  }
  function putTotals(result, machine) {
    var bytes = result.read + result.written;
    var gap = result.textbook > 0n ? 100 * (Number(result.exact) / Number(result.textbook) - 1) : 0;
    totals.textContent = "";
    putTotal(words.CALC_TEXTBOOK, flopText(result.textbook), grouped(result.textbook));
    putTotal(words.CALC_EXACT, flopText(result.exact), grouped(result.exact) + " (" + (gap >= 0 ? "+" : "−") + Math.abs(gap).toFixed(1) + " %)");
    putTotal(words.CALC_BYTES, byteText(bytes), grouped(bytes));
    putTotal(words.CALC_INTENSITY, ratioText(result.exact, bytes));
    putTotal(words.CALC_KV_CACHE, byteText(result.kv_cache), grouped(result.kv_cache));
    putTotal(words.CALC_ACTIVATIONS, byteText(result.activations), grouped(result.activations));
    putTotal(words.CALC_BOUND, machine ? boundOf(result.exact, bytes, machine) : "–", machine ? undefined : words.CALC_NO_CEILINGS);
    if (machine)
      putTotal(words.CALC_FLOOR, timeText(Math.max(Number(result.exact) / machine.peak, Number(bytes) / machine.bandwidth)));
  }
  function putOperator(out, machine) {
    var row = within(body, make("tr")), bytes = out.times * (out.read + out.written), flops = out.times * out.exact;
    within(row, make("th", { scope: "row" }, data.operators[out.op].name));
    within(row, make("td", { "class": "r" }, String(out.times)));
    var cell = within(row, make("td", { "class": "formula" }));
    if (out.texts.length) {
      var symbolic = within(cell, make("div")), substituted = within(cell, make("div"));
      out.texts.forEach(function (text, i) {
        if (i) { symbolic.appendChild(document.createTextNode(" + ")); substituted.appendChild(document.createTextNode(" + ")); }
        putFormula(symbolic, formula(text), shown, null);
        putFormula(substituted, formula(text), shown, out.values);
      });
    } else cell.textContent = "0";
    within(row, make("td", { "class": "r" }, grouped(flops)));
    within(row, make("td", { "class": "r" }, grouped(bytes)));
    within(row, make("td", { "class": "r" }, ratioText(flops, bytes)));
    within(row, make("td", null, boundOf(flops, bytes, machine)));
  }
  function update() {
    var chosen = current(), input = currentInput(), machine = ceilings();
    complaint.textContent = !chosen || !input ? words.CALC_WRONG_NUMBER
      : chosen.values.n_h % chosen.values.n_kv !== 0 ? words.CALC_WRONG_HEADS : "";
    if (complaint.textContent) { totals.textContent = body.textContent = ""; return; }
    var result = ledger(data, chosen, input);
    window.flopledger.shown = result;
    putTotals(result, machine);
    body.textContent = "";
    result.operators.forEach(function (out) { putOperator(out, machine); });
  }

  function addModels(parent) {
    var label = within(parent, make("label"));
    within(label, make("span", null, words.CALC_START_FROM));
    var select = within(label, make("select", { id: "calc-model" }));
    [[words.CALC_IN_RESULTS, 0, data.models.length], [words.CALC_PRESETS, data.models.length, models.length]].forEach(function (part) {
      if (part[1] === part[2]) return;
      var options = within(select, make("optgroup", { label: part[0] }));
      for (var i = part[1]; i < part[2]; i++) within(options, make("option", { value: i }, models[i].name));
    });
    select.addEventListener("change", choose);
    controls.model = { get: function () { return select.value; } };
  }
  function addCeiling(parent, name, title, value) {
    var label = within(parent, make("label"));
    within(label, make("span", null, title));
    var input = within(label, make("input", { type: "number", min: 0, step: "any", id: "calc-" + name }));
    if (value) input.value = String(value);
    input.addEventListener("input", update);
    controls[name] = input;
  }
  function addTable() {
    var figure = within(place, make("figure", { "class": "table" }));
    within(figure, make("figcaption", { id: "calc-caption" }, words.CALC_CAPTION));
    var scroll = within(figure, make("div", { "class": "scroll", tabindex: "0", role: "region", "aria-labelledby": "calc-caption" }));
    var table = within(scroll, make("table", { id: "calc-table" })), row = within(within(table, make("thead")), make("tr"));
    [["CALC_COL_OPERATOR"], ["CALC_COL_TIMES", "r"], ["CALC_COL_FORMULA"], ["CALC_COL_FLOPS", "r"], ["CALC_COL_BYTES", "r"],
     ["CALC_COL_INTENSITY", "r"], ["CALC_COL_BOUND"]].forEach(function (column) {
      within(row, make("th", column[1] ? { scope: "col", "class": "r" } : { scope: "col" }, words[column[0]]));
    });
    body = within(table, make("tbody"));
  }
  function build() {
    var part = group(words.CALC_MODEL), machine = data.ceilings || {};
    addModels(part);
    [["L", 1, 4096], ["h", 1, 1 << 20], ["n_h", 1, 4096], ["n_kv", 1, 4096], ["d_h", 1, 4096], ["f", 1, 1 << 22], ["V", 1, 1 << 22]]
      .forEach(function (row) { addNumber(part, row[0], row[1], row[2], follow); });
    part = group(words.CALC_SHAPE);
    [["b", 1, 1 << 16], ["s", 1, 1 << 22], ["p", 0, 1 << 22]].forEach(function (row) { addNumber(part, row[0], row[1], row[2], update); });
    addChoice(part, "cache", words.CALC_CACHE, [["on", words.CALC_CACHE_ON], ["off", words.CALC_CACHE_OFF]], update);
    addChoice(part, "kernel", words.CALC_KERNEL, [["naive", "naive"], ["causal", "causal"], ["flash", "flash"]], update);
    addChoice(part, "logits", words.CALC_LOGITS, [["last", words.CALC_LOGITS_LAST], ["all", words.CALC_LOGITS_ALL], ["none", words.CALC_LOGITS_NONE]], update);
    var formats = data.formats.map(function (format, i) { return [i, format.name]; });
    addChoice(part, "format", words.CALC_WEIGHTS, formats, update);
    addChoice(part, "cache_format", words.CALC_CACHE_FORMAT, formats.slice(0, data.cache_formats), update);
    controls.kernel.select.value = "causal";
    part = group(words.CALC_MACHINE);
    addCeiling(part, "peak", words.CALC_PEAK, machine.gflops_per_s);
    addCeiling(part, "bandwidth", words.CALC_BANDWIDTH, machine.gbytes_per_s);
    if (machine.note) within(part.parentNode, make("p", { "class": "note" }, machine.note));
    complaint = within(place, make("p", { "class": "complaint", role: "alert" }));
    totals = within(place, make("dl", { "class": "totals", "aria-live": "polite" }));
    addTable();
    controls.b.set(1);
    controls.s.set(128);
    controls.p.set(0);
    choose();
  }
  build();
})();
