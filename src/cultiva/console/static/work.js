// The workbench by keyboard: j and k (or the arrows) move along the list, digits log a result, a takes the task up.
(function () {
  "use strict";

  function bench() { return document.getElementById("bench"); }
  function lines() { return Array.from(document.querySelectorAll(".task-line")); }
  function here() { return lines().findIndex(function (line) { return line.hasAttribute("aria-current"); }); }

  function mark(task) {
    lines().forEach(function (line) {
      if (line.dataset.task === task) { line.setAttribute("aria-current", "true"); } else { line.removeAttribute("aria-current"); }
    });
  }

  function move(step) {
    var all = lines();
    if (!all.length) return;
    var next = all[Math.min(all.length - 1, Math.max(0, here() + step))];
    next.scrollIntoView({ block: "nearest" });
    next.click();
  }

  function press(selector) {
    var button = bench() && bench().querySelector(selector);
    if (!button) return false;
    button.click();
    return true;
  }

  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select")) return;
    if (!bench()) return;
    var done = true;
    if (event.key === "j" || event.key === "ArrowDown") move(1);
    else if (event.key === "k" || event.key === "ArrowUp") move(-1);
    else if (event.key === "a") done = press("[data-accept]");
    else if (/^[1-9]$/.test(event.key)) done = press('[data-key="' + event.key + '"]');
    else done = false;
    if (done) event.preventDefault();
  });

  // A task was chosen, or one was finished and the next is here: mark its line and let a reader begin with it.
  document.addEventListener("htmx:afterSwap", function (event) {
    var box = bench();
    if (!box) return;
    var task = box.querySelector("[data-open]");
    if (!task) return;
    mark(task.dataset.open);
    box.classList.add("chosen");
    var title = task.querySelector("h2");
    if (title && event.detail.target.id !== "moves") {
      title.focus({ preventScroll: window.innerWidth > 767 });
      if (window.innerWidth <= 767) window.scrollTo(0, 0);
    }
  });
})();
