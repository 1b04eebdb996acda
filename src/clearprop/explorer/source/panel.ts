/* The selected quantity: a field to change it, and its derivation. */

import { blocksOf, type Block } from "./compose";
import { hasValue, valueOf } from "./cycle";
import { derive } from "./derive";
import { copied, h, mml } from "./dom";
import { numberField, type NumberField } from "./field";
import { latexOf } from "./latex";
import { MathML } from "./mathml";
import { placesOf } from "./highlight";
import { derivative, isDerived, output, sum, TOTAL, type Quantity } from "./quantity";
import type { Store } from "./store";
import { textOf } from "./text";
import { App, isQuantity, Sym, Val, type Key, type Tree } from "./tree";

/** The number of equations shown at first; a button shows the others. */
const MOST = 60;
/** Equations with fewer characters stand on one line. */
const LONG = 52;
/** Sides of more characters on the left have a line of their own. */
const WIDE = 24;

export class Panel {
  readonly element: HTMLElement;
  private readonly editor = h("div", { class: "cp-editor" });
  private readonly equations = h("div", { class: "cp-equations", tabindex: "0", role: "region", "aria-label": "Derivation" });
  private readonly title = h("h2", { class: "cp-what" });
  private readonly related = h("p", { class: "cp-related" });
  private field: NumberField | null = null;
  private blocks: Block[] = [];
  private key = "";
  private isWhole = false;
  private quantities = new Map<string, Quantity>();

  constructor(
    private readonly store: Store,
    private readonly select: (quantity: Quantity) => void,
    private readonly point: (places: string[]) => void,
    private readonly announce: (words: string) => void,
  ) {
    const button = (words: string, act: () => void) => h("button", { type: "button", class: "cp-quiet", click: act }, words);
    const copies = h("div", { class: "cp-copies" },
      button("Copy LaTeX", () => void this.copy("LaTeX", latexOf(this.blocks, this.store.names, this.store.view))),
      button("Copy text", () => void this.copy("text", textOf(this.blocks, this.store.view))));
    this.element = h("section", { class: "cp-panel", "aria-label": "Explanation" }, h("div", { class: "cp-head" }, this.title, copies), this.editor, this.related, this.equations);
    for (const type of ["pointerover", "focusin"]) this.equations.addEventListener(type, (event) => this.hover(event.target as Element));
    this.equations.addEventListener("pointerleave", () => this.hover(null));
    this.equations.addEventListener("click", (event) => this.follow(event.target as Element));
  }

  private async copy(what: string, text: string): Promise<void> {
    const isDone = await copied(text, this.element);
    this.announce(isDone ? `Copied as ${what}.` : "The browser blocks copying; select the text instead.");
  }

  private hover(element: Element | null): void {
    const id = element?.closest("[data-q]")?.getAttribute("data-q");
    const quantity = id ? this.quantities.get(id) : undefined;
    this.point(quantity ? placesOf(quantity, this.store.network) : []);
  }

  /** Select the quantity of a symbol. */
  private follow(element: Element): void {
    const id = element.closest("[data-q]")?.getAttribute("data-q");
    const quantity = id ? this.quantities.get(id) : undefined;
    if (!quantity || getSelection()?.toString()) return;
    const { kind, of, by } = quantity;
    if (["parameter", "output", "sum", "target", "error", "total", "penalty", "rate"].includes(kind)) this.select(quantity);
    else if (kind === "updated" && of.kind === "parameter") this.select(of);
    else if (["updated", "state", "named"].includes(kind) && hasValue(this.store.current, quantity)) this.select(quantity);
    else if (kind === "derivative" && of.kind === "total" && by.kind === "parameter") this.select(by);
    else if (kind === "derivative" && isDerived(of, by)) this.select(quantity);
  }

  /** Light up the symbols whose place in the diagram is pointed at. */
  light(places: string[]): void {
    for (const element of this.equations.querySelectorAll(".cp-pointed")) element.classList.remove("cp-pointed");
    if (!places.length) return;
    for (const element of this.equations.querySelectorAll("[data-q]")) {
      const quantity = this.quantities.get(element.getAttribute("data-q")!);
      if (quantity && placesOf(quantity, this.store.network).some((place) => places.includes(place))) element.classList.add("cp-pointed");
    }
  }

  update(isQuick: boolean): void {
    const { store } = this;
    const key = JSON.stringify([store.selected.id, store.shown.notation, store.setup.row, store.setup.isOwn, store.setup.isBatch, store.beside.length]);
    if (key !== this.key) {
      this.key = key;
      this.isWhole = false;
      this.choose();
    }
    this.field?.set(this.editable()!.value);
    if (!isQuick) this.explain();
  }

  // --- the field -------------------------------------------------------------------

  private choose(): void {
    const { store } = this;
    const { names, selected } = store;
    const called = names.text(selected);
    this.title.replaceChildren(called);
    const editable = this.editable();
    this.field = editable && numberField({ label: called, value: editable.value, change: editable.change, hasSlider: true });
    this.editor.replaceChildren(...(this.field ? [this.field.element] : []));
    this.relate();
  }

  /** Buttons for a unit's sum, output and error signal. */
  private relate(): void {
    const { selected, names } = this.store;
    const unit = selected.kind === "derivative" ? selected.by : selected;
    const isUnit = (unit.kind === "sum" || unit.kind === "output") && unit.layer >= 0;
    const others = isUnit ? [sum(unit.layer, unit.unit), output(unit.layer, unit.unit), derivative(TOTAL, sum(unit.layer, unit.unit))] : [];
    this.related.replaceChildren(...others.map((quantity) =>
      h("button", { type: "button", class: "cp-quiet", "aria-pressed": String(quantity.id === selected.id), click: () => this.select(quantity) }, names.text(quantity))));
  }

  private editable(): { value: number; change(value: number): string | null } | null {
    const { store } = this;
    const { kind, layer, unit } = store.selected;
    const value = () => valueOf(store.current, store.selected, store.rowShown);
    if (kind === "parameter") return { value: value(), change: (next) => store.setWeight(unit, next) };
    if (kind === "output" && layer < 0) return { value: value(), change: (next) => store.setExample("inputs", unit, next) };
    if (kind === "target") return { value: value(), change: (next) => store.setExample("targets", unit, next) };
    return null;
  }

  // --- the derivation -----------------------------------------------------------------------

  private explain(): void {
    const { store } = this;
    const { names, view } = store;
    this.blocks = [...store.beside, store.selected].flatMap((quantity) => this.blocksFor(quantity));
    this.quantities = quantitiesIn(this.blocks);
    const formula = new MathML(names, view);
    const set = (blocks: Block[]) => blocks.map((block) => equationOf(block, formula)).filter((part) => part !== null);
    const rest = this.isWhole ? [] : this.blocks.slice(MOST);
    const more = h("button", { type: "button", class: "cp-quiet", click: () => ((this.isWhole = true), this.explain()) }, `Show ${rest.length} more equations`);
    this.equations.replaceChildren(...set(this.blocks.slice(0, this.isWhole ? Infinity : MOST)), ...(rest.length ? [more] : []));
  }

  /** A derivation, up to where this cycle has come. */
  private blocksFor(quantity: Quantity): Block[] {
    const { store } = this;
    if (!store.isKnown(quantity)) return [{ kind: "paragraph", text: "This cycle has not computed it yet; press Step." }];
    const blocks = blocksOf(derive(store.current, quantity, store.rowShown, store.view), store.view);
    return blocks.filter((block) => block.kind !== "equation" || !(block.left instanceof Sym) || !isLater(block.left.key, store));
  }
}

function equationOf(block: Block, formula: MathML): HTMLElement | null {
  if (block.kind === "heading") return null;
  if (block.kind === "paragraph") return h("p", {}, block.text);
  const math = (content: Element) => mml("math", {}, content);
  const left = h("span", { class: "cp-left" }, ...formula.pieces(block.left).flatMap((piece) => [h("wbr"), h("span", { class: "cp-part" }, math(piece))]));
  const isWide = (left.textContent ?? "").length > WIDE;
  let before = "";
  let characters = 0;
  const lines = block.lines.flatMap(({ side, remark }) => {
    const pieces = formula.pieces(side);
    const text = pieces.map((piece) => piece.textContent).join("");
    if (text === before && !remark) return [];
    before = text;
    characters += text.length + (remark ? LONG : 2);
    const equals = mml("math", {}, mml("mo", { form: "infix" }, "="));
    const parts = pieces.flatMap((piece, k) => [h("wbr"), h("span", { class: "cp-part" }, k ? null : equals, math(piece))]);
    return [h("span", { class: "cp-line" }, ...parts, remark ? h("span", { class: "cp-remark" }, `(${remark})`) : null)];
  });
  return h("div", { class: `cp-equation${isWide ? " cp-wide" : ""}${characters < LONG ? " cp-brief" : ""}` }, left, h("span", { class: "cp-sides" }, ...lines));
}

/** Whether it is an updated parameter, of a cycle that is gone through and has not come to its update. */
const isLater = (key: Key, store: Store): boolean =>
  !Array.isArray(key) && isQuantity(key) && key.kind === "updated" && !store.isKnown(key);

/** Every quantity that a symbol or number of the equations stands for, by its id. */
function quantitiesIn(blocks: Block[]): Map<string, Quantity> {
  const found = new Map<string, Quantity>();
  const take = (key: Key): void => {
    if (Array.isArray(key)) key.forEach(take);
    else if (isQuantity(key)) found.set(key.id, key);
  };
  const walk = (tree: Tree): void => {
    if (tree instanceof Sym) take(tree.key);
    else if (tree instanceof Val) take(tree.of);
    else if (tree instanceof App) tree.parts.forEach(walk);
  };
  for (const block of blocks) if (block.kind === "equation") [block.left, ...block.lines.map(({ side }) => side)].forEach(walk);
  return found;
}
