// What needs no server: which controls are to be seen, the address, the size of an upload.
const mostBytes = 10 * 2 ** 20; // as `uploads.MOST_BYTES`

window.dash_clientside = Object.assign({}, window.dash_clientside, {
  page: {
    kind: (kind) => `shows-${kind}`,
    remember: (link) => {
      if (link && link !== "/") window.history.replaceState(null, "", link);
      return "the address of this page";
    },
    measure: (contents) => {
      const none = window.dash_clientside.no_update;
      if (!contents) return [none, none];
      const bytes = (contents.length - contents.indexOf(",") - 1) * 0.75;
      if (bytes > mostBytes) {
        const size = (bytes / 2 ** 20).toFixed(1);
        return [none, `expected at most 10 MiB, received ${size} MiB: upload a smaller file`];
      }
      return [contents, ""];
    },
  },
});
