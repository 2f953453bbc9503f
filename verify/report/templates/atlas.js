"use strict";
(() => {
  const form = document.getElementById("filter");
  const words = document.getElementById("words");
  const unmet = document.getElementById("unmet");
  const shown = document.getElementById("shown");
  const boxes = [...form.querySelectorAll("input[name=verdict]")];
  const rows = [...document.querySelectorAll(".atlas tbody tr")];
  const linkOf = (row) => row.querySelector("a");
  const visible = () => rows.filter((row) => !row.hidden).map(linkOf);

  function apply() {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    const verdicts = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    for (const row of rows) {
      row.hidden = !(verdicts.has(row.dataset.verdict) && (!unmet.checked || row.dataset.met === "0")
        && wanted.every((word) => row.dataset.words.includes(word)));
    }
    shown.textContent = `${visible().length} of ${rows.length} claims shown`;
  }

  function move(step) {
    const links = visible();
    const at = links.indexOf(document.activeElement);
    if (at + step < 0) words.focus();
    else links[Math.min(at + step, links.length - 1)]?.focus();
  }

  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    visible()[0]?.click();
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const among = event.target === words || rows.some((row) => row.contains(event.target));
    if (event.key === "/" && event.target !== words) {
      words.focus();
      words.select();
    } else if (event.key === "Escape" && among) {
      words.value = "";
      words.focus();
      apply();
    } else if (event.key === "ArrowDown" && among) {
      move(1);
    } else if (event.key === "ArrowUp" && among && event.target !== words) {
      move(-1);
    } else {
      return;
    }
    event.preventDefault();
  });
  form.hidden = false;
  apply();
})();
