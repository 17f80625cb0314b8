// What the pages do in the browser: charts from their data, the form token for HTMX, small conveniences. No inline code.
(function () {
  "use strict";

  var palette = ["#1f6feb", "#e8590c", "#2b8a3e", "#862e9c", "#0b7285", "#c2255c", "#5c940d", "#495057"];

  function draw(root) {
    if (!window.echarts) return;
    root.querySelectorAll("[data-chart]").forEach(function (box) {
      if (window.echarts.getInstanceByDom(box)) return;
      var chart = window.echarts.init(box, null, { renderer: "svg" });
      var option = JSON.parse(box.dataset.chart);
      option.animation = false;
      option.color = option.color || palette;
      option.textStyle = { fontFamily: getComputedStyle(document.body).fontFamily };
      chart.setOption(option);
      new ResizeObserver(function () { chart.resize(); }).observe(box);
    });
  }

  function widths(root) {
    root.querySelectorAll("[data-width]").forEach(function (box) { box.style.width = box.dataset.width + "%"; });
  }

  // What is wider than its place can be moved by keyboard.
  function reachable(root) {
    root.querySelectorAll(".table-responsive").forEach(function (box) {
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    });
  }

  function prepare(root) { draw(root); widths(root); reachable(root); }

  document.addEventListener("DOMContentLoaded", function () { prepare(document); });
  document.addEventListener("htmx:afterSettle", function (event) { prepare(event.target); });

  document.addEventListener("htmx:configRequest", function (event) {
    var token = document.querySelector("meta[name=csrf]");
    if (token) event.detail.headers["X-CSRF"] = token.content;
  });

  // An error's part is shown where the answer would have been; HTMX alone would drop it.
  document.addEventListener("htmx:beforeSwap", function (event) {
    if (event.detail.xhr.status >= 400 && event.detail.xhr.status < 600) {
      event.detail.shouldSwap = true;
      event.detail.isError = false;
    }
  });

  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (form.dataset.confirm && !window.confirm(form.dataset.confirm)) { event.preventDefault(); return; }
    var button = form.querySelector("button[type=submit]");
    if (button && !button.hasAttribute("data-again") && !form.matches("[hx-post], [hx-get]")) window.setTimeout(function () { button.disabled = true; }, 0);
  });

  document.addEventListener("change", function (event) {
    if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
  });

  document.addEventListener("click", function (event) {
    var printed = event.target.closest("[data-print]");
    if (printed) { event.preventDefault(); window.print(); }
  });

  // Where somebody writes goes along with the question what could be written there.
  document.addEventListener("htmx:configRequest", function (event) {
    if (event.detail.elt.matches("[data-caret]")) event.detail.parameters.caret = event.detail.elt.selectionStart;
  });

  // A name that is offered takes the place of the word that is being written.
  document.addEventListener("click", function (event) {
    var offered = event.target.closest("[data-insert]");
    var field = offered && document.querySelector("[data-caret]");
    if (!field) return;
    var begin = field.value.slice(0, field.selectionStart).replace(/[A-Za-z_]\w*$/, "");
    var rest = field.value.slice(field.selectionStart);
    field.value = begin + offered.dataset.insert + rest;
    field.focus();
    field.selectionStart = field.selectionEnd = begin.length + offered.dataset.insert.length;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });

  // "/" goes to the search field, as in every tool that people use all day.
  document.addEventListener("keydown", function (event) {
    if (event.key !== "/" || event.target.closest("input, textarea, select, [contenteditable]")) return;
    var field = document.querySelector("[data-search]");
    if (field) { event.preventDefault(); field.focus(); }
  });
})();
