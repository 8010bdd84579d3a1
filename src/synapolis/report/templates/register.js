"use strict";
const rows = [...document.querySelectorAll(".entries>li")];
const text = document.querySelector("#words");
const choices = [...document.querySelectorAll(".find select")];
const shown = document.querySelector("#shown");
function filter() {
  const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const row of rows) {
    const said = row.textContent.toLowerCase();
    const keep = words.every((word) => said.includes(word))
      && choices.every((choice) => !choice.value || row.dataset[choice.name].split("|").includes(choice.value));
    row.hidden = !keep;
    row.style.display = keep ? "" : "none";
    count += keep;
  }
  shown.textContent = `${count} of ${rows.length} entries`;
}
document.querySelector(".find").hidden = false;
document.querySelector(".find").style.display = "";
text.addEventListener("input", filter);
choices.forEach((choice) => choice.addEventListener("change", filter));
filter();
