/* All numbers of the diagram as tables, with a field for each that can be changed. */

import { valueOf } from "./cycle";
import type { Column } from "./data";
import { inUnit } from "./derive";
import { h, say } from "./dom";
import { numberField, type NumberField } from "./field";
import { grouped } from "./number";
import { derivative, input, output, parameter, sum, target, TOTAL, error, updated, type Quantity } from "./quantity";
import type { Store } from "./store";

const MOST = 60;

interface Cell {
  element: HTMLElement;
  quantity: Quantity;
}

export class Tables {
  readonly element: HTMLDetailsElement;
  private readonly body = h("div", { class: "cp-tables" });
  private cells: Cell[] = [];
  private fields: { field: NumberField; value(): number }[] = [];
  private originals: { cell: HTMLElement; quantity: Quantity; column: Column }[] = [];
  private key = "";

  constructor(
    private readonly store: Store,
    private readonly select: (quantity: Quantity) => void,
  ) {
    this.element = h("details", { class: "cp-card" }, h("summary", {}, h("h2", {}, "All numbers as tables")), this.body);
    this.element.addEventListener("toggle", () => this.update());
  }

  update(): void {
    if (!this.element.open) return;
    const { store } = this;
    const key = JSON.stringify([store.shown.notation, store.setup.isOwn, store.setup.row, store.setup.isBatch, store.network.activations]);
    if (key !== this.key) {
      this.key = key;
      this.build();
    }
    const { progress } = store;
    for (const { element, quantity } of this.cells) say(element, store.written(quantity, progress));
    for (const { field, value } of this.fields) field.set(value());
    for (const { cell, quantity, column } of this.originals) say(cell, this.original(quantity, column));
  }

  /** A number in its column's unit: of the table as it stands there, of an output as others are shown. */
  private original(quantity: Quantity, column: Column): string {
    const { data, current, rowShown, view } = this.store;
    const value = inUnit(data, column, valueOf(current, quantity, rowShown));
    return quantity.kind === "output" && quantity.layer >= 0 ? view.number(value) : String(value);
  }

  private build(): void {
    [this.cells, this.fields, this.originals] = [[], [], []];
    this.body.replaceChildren(this.examples(), this.units(), this.weights());
  }

  private table(caption: string, header: string[], rows: HTMLElement[], hidden: number): HTMLElement {
    const head = h("thead", {}, h("tr", {}, ...header.map((name) => h("th", { scope: "col" }, name))));
    const more = hidden > 0 ? h("p", { class: "cp-note" }, `… and ${grouped(hidden)} more; select them in the diagram.`) : null;
    return h("div", { class: "cp-scroll", tabindex: "0", role: "region", "aria-label": caption },
      h("table", {}, h("caption", {}, caption), head, h("tbody", {}, ...rows)), more);
  }

  private number(quantity: Quantity): HTMLElement {
    const element = h("td", { class: "cp-figure" });
    this.cells.push({ element, quantity });
    return element;
  }

  private link(quantity: Quantity): HTMLElement {
    return h("th", { scope: "row" }, h("button", { type: "button", class: "cp-name-button", click: () => this.select(quantity) }, this.store.names.text(quantity)));
  }

  private editor(quantity: Quantity, change: (value: number) => string | null): HTMLElement {
    const { store } = this;
    const value = () => valueOf(store.current, quantity, store.rowShown);
    const field = numberField({ label: store.names.text(quantity), value: value(), change, isCompact: true });
    this.fields.push({ field, value });
    return h("td", {}, field.element);
  }

  private examples(): HTMLElement {
    const { store } = this;
    const [inputs, outputs] = [store.network.sizes[0]!, store.network.outputs];
    const { columns, target_columns } = store.data;
    const rows = [...Array(Math.min(inputs, MOST)).keys()].map((i) =>
      h("tr", {}, this.link(input(i)), h("td", {}, "input"), this.editor(input(i), (value) => store.setExample("inputs", i, value)), this.inTable(input(i), columns?.[i])));
    for (let k = 0; k < Math.min(outputs, MOST); k++)
      rows.push(h("tr", {}, this.link(target(k)), h("td", {}, "target"), this.editor(target(k), (value) => store.setExample("targets", k, value)), this.inTable(target(k), target_columns?.[k])));
    return this.table("The example", ["name", "role", "value", ...(columns ? ["in the table"] : [])], rows, Math.max(0, inputs - MOST) + Math.max(0, outputs - MOST));
  }

  /** The value of a standardized number in its column's own unit. */
  private inTable(quantity: Quantity, column: Column | undefined): HTMLElement | null {
    if (!this.store.data.columns) return null;
    const cell = h("td", {});
    if (column && (column.mean !== 0 || column.scale !== 1)) this.originals.push({ cell, quantity, column });
    return cell;
  }

  private units(): HTMLElement {
    const { store } = this;
    const { network, names } = store;
    const rows: HTMLElement[] = [];
    let total = 0;
    for (let layer = 0; layer < network.depth; layer++) {
      total += network.sizes[layer + 1]!;
      for (let unit = 0; unit < network.sizes[layer + 1]! && rows.length < MOST; unit++) {
        const own = layer === network.last ? this.number(error(unit)) : h("td", {});
        const name = h("button", { type: "button", class: "cp-name-button", click: () => this.select(output(layer, unit)) }, network.unitName(layer, unit));
        rows.push(h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, network.rule(layer).label),
          this.number(sum(layer, unit)), this.number(output(layer, unit)), own, this.number(derivative(TOTAL, sum(layer, unit))),
          this.inTable(output(layer, unit), layer === network.last ? store.data.target_columns?.[unit] : undefined)));
      }
    }
    const header = ["unit", "activation", "weighted sum", "output", "error", `∂${names.words.total_error}/∂${names.words.sum}`, ...(store.data.columns ? ["in the table"] : [])];
    return this.table("Units", header, rows, total - rows.length);
  }

  private weights(): HTMLElement {
    const { store } = this;
    const { network, names } = store;
    const count = Math.min(network.size, 2 * MOST);
    const rows = [...Array(count).keys()].map((index) => {
      const { layer, unit, source } = network.place(index);
      const to = network.isShared(index) ? `layer ${layer + 1}` : network.unitName(layer, unit);
      const from = source === null ? "bias" : network.unitName(layer - 1, source);
      return h("tr", {}, this.link(parameter(index)), h("td", {}, `${from} → ${to}`), this.editor(parameter(index), (value) => store.setWeight(index, value)),
        this.number(derivative(TOTAL, parameter(index))), this.number(updated(parameter(index))));
    });
    return this.table("Weights and biases", ["name", "from → to", "value", `∂${names.words.total_error}/∂·`, "new"], rows, network.size - count);
  }
}
