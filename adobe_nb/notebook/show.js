// Called with the id of an output, its table as {columns, rows}, and DataTables or null. Until it
// is done, and where scripts do not run, the output shows the ordinary table.
async (id, table, library) => {
  const unpacked = async (text) => {
    const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).text();
  };

  const load = async ({ script, style }) => {
    const sheet = document.createElement("style");
    sheet.textContent = await unpacked(style);
    document.head.append(sheet);
    const blob = new Blob([await unpacked(script)], { type: "text/javascript" });
    const address = URL.createObjectURL(blob);
    const module = await import(address);
    URL.revokeObjectURL(address);
    module.set_or_remove_dark_class();
    return module.default;
  };

  if (library) window.adobeNbDataTables ??= load(library);
  const DataTable = await window.adobeNbDataTables;
  if (!DataTable) return;

  const escaped = DataTable.render.text();
  const fits = table.rows.length <= 10;
  for (const output of document.querySelectorAll(`#${id}:not([data-live])`)) {
    output.dataset.live = "true";
    const [ordinary, live] = output.children;
    const element = live.querySelector("div").appendChild(document.createElement("table"));
    const head = element.createTHead().insertRow();
    for (const name of table.columns) {
      const cell = head.appendChild(document.createElement("th"));
      cell.textContent = name;
    }
    ordinary.hidden = true;
    live.hidden = false;
    new DataTable(element, {
      data: table.rows,
      columnDefs: [
        {
          targets: "_all",
          // A number or time that sorts by another value than it shows is a list of both.
          render: (value, type) => {
            const [shown, order] = Array.isArray(value) ? value : [value, value];
            if (type === "sort") return order;
            // Only the shown form of a time is recognized as a date.
            if (type === "type") return typeof order === "number" ? order : shown;
            // Names are data: whatever they look like, they are shown as they are.
            return escaped.display(shown);
          },
          createdCell: (cell) => (cell.title = cell.textContent),
        },
      ],
      columnControl: ["searchDropdown"],
      language: { entries: { _: "rows", 1: "row" } },
      order: [],
      autoWidth: false,
      paging: !fits,
      layout: {
        topStart: "search",
        topEnd: fits ? null : "pageLength",
        bottomStart: "info",
        bottomEnd: fits ? null : "paging",
      },
    });
  }
}
