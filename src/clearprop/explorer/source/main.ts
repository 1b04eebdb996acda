/* Where it starts: as a page, from the data that stands in it; as a widget in a notebook, from its model. */

import * as api from "./api";
import { App } from "./app";
import type { Data } from "./data";

export { api };

interface Model {
  get(name: string): unknown;
}

/** The entry for anywidget, in Jupyter, VS Code, Colab and marimo. */
function render({ model, el }: { model: Model; el: HTMLElement }): void {
  const root = document.createElement("div");
  el.append(root);
  // The picture for where no script runs.
  for (const still of document.getElementsByClassName(String(model.get("still") || "-"))) (still as HTMLElement).hidden = true;
  new App(JSON.parse(String(model.get("data"))) as Data, root, { hasAddress: false });
}

export default { render };

const given = document.getElementById("clearprop-data");
const place = document.getElementById("clearprop");
if (given && place) {
  const app = new App(JSON.parse(given.textContent ?? "") as Data, place, { hasAddress: true });
  Object.assign(window, { clearprop: { ...api, app, render } });
}
