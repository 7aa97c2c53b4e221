"use strict";
(() => {
  const table = document.getElementById("candidates");
  const body = table.tBodies[0];
  const headings = [...table.tHead.rows[0].cells];
  const status = document.querySelector("[role=status]");

  const valueOf = (row, index) => {
    const { textContent, dataset } = row.cells[index];
    if (dataset.v === undefined) return textContent;
    return dataset.v === "" ? null : Number(dataset.v);
  };

  const compare = (one, other) => {
    if (typeof one === "string") return one < other ? -1 : one > other ? 1 : 0;
    return one - other;
  };

  // What has no value comes last in either direction.
  const sort = (index, down) => {
    const keyed = [...body.rows].map((row) => [valueOf(row, index), row]);
    keyed.sort(([one], [other]) => {
      if (one === null || other === null) return (one === null) - (other === null);
      return down ? compare(other, one) : compare(one, other);
    });
    body.append(...keyed.map(([, row]) => row));
    const direction = down ? "descending" : "ascending";
    for (const heading of headings) heading.removeAttribute("aria-sort");
    headings[index].setAttribute("aria-sort", direction);
    status.textContent = `Sorted by ${headings[index].textContent}, ${direction}.`;
  };

  headings.forEach((heading, index) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => sort(index, heading.getAttribute("aria-sort") === "ascending"));
  });

  // A link to the page may say how the table is sorted: #sort=2 by the second column, #sort=-2 downwards.
  const asked = /^#sort=(-?)(\d{1,3})$/.exec(location.hash);
  if (asked && headings[asked[2] - 1]) sort(asked[2] - 1, asked[1] === "-");

  const light = (number, on) => {
    for (const id of [`p${number}`, `r${number}`]) document.getElementById(id)?.classList.toggle("lit", on);
  };
  const pair = (element, began, ended) => {
    element.addEventListener(began, () => light(element.id.slice(1), true));
    element.addEventListener(ended, () => light(element.id.slice(1), false));
  };
  for (const row of body.rows) {
    pair(row, "mouseenter", "mouseleave");
    pair(row, "focusin", "focusout");
  }
  for (const point of document.querySelectorAll("#scatter circle")) {
    pair(point, "mouseenter", "mouseleave");
    point.addEventListener("click", () => {
      const row = document.getElementById(`r${point.id.slice(1)}`);
      row.scrollIntoView({ block: "center" });
      row.querySelector("a").focus({ preventScroll: true });
    });
  }
})();
