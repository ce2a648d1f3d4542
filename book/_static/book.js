// Tables of class "sortable": the button in a column's heading sorts by it, and again the other way.
document.addEventListener("DOMContentLoaded", () => {
  const value = (row, column) => {
    const text = row.cells[column].textContent.trim();
    const number = parseFloat(text.replace(/,/g, "").replace("\u2212", "-"));
    return Number.isNaN(number) ? text : number;
  };
  const compare = (a, b) =>
    typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
  for (const table of document.querySelectorAll("table.sortable")) {
    const [body] = table.tBodies;
    table.querySelectorAll("thead th").forEach((heading, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => {
        const down = heading.getAttribute("aria-sort") === "ascending";
        table.querySelectorAll("th[aria-sort]").forEach((th) => th.removeAttribute("aria-sort"));
        heading.setAttribute("aria-sort", down ? "descending" : "ascending");
        const rows = [...body.rows].sort(
          (a, b) => (down ? -1 : 1) * compare(value(a, column), value(b, column)),
        );
        // What has no value stays last, either way.
        const empty = (row) => row.cells[column].textContent.trim() === "";
        body.append(...rows.filter((row) => !empty(row)), ...rows.filter(empty));
      });
    });
  }
});

// docutils calls a bibliography a list, whose entries are no list items: a screen reader trips.
document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll(".citation-list").forEach((list) => list.removeAttribute("role"));
});

// What may scroll sideways on a narrow screen can be reached, and so scrolled, by keys.
document.addEventListener("DOMContentLoaded", () => {
  const narrow = matchMedia("(max-width: 600px)").matches;
  document.querySelectorAll(".bd-article figure, .bd-article div.math").forEach((part) => {
    const wide = narrow || part.scrollWidth > part.clientWidth;
    if (wide && !part.querySelector("a[href]:not(.headerlink), button, summary")) part.tabIndex = 0;
  });
});
