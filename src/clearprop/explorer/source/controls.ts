/* The controls: steps of a cycle, settings, the choice of an example, a person's own data. */

import { rowsFrom, Unfit } from "./csv";
import { focusedBeside, fresh, h, say, svg } from "./dom";
import { choiceField, numberField } from "./field";
import { counted, every, grouped } from "./number";
import { SPEEDS, type Player, type Speed } from "./player";
import type { Shown } from "./printing";
import type { Store } from "./store";

type Announce = (words: string, isGood?: boolean) => void;

const ICONS: Record<string, string> = {
  rewind: "M3 3v10M13 3L6 8l7 5z", back: "M11 3L4 8l7 5z", step: "M5 3l7 5-7 5z", cycle: "M13 8a5 5 0 1 1-1.6-3.7M12 1v4H8",
  play: "M4 2.5l9 5.5-9 5.5z", pause: "M4 3h3v10H4zM9 3h3v10H9z", reset: "M3 8a5 5 0 1 0 1.6-3.7M4 1v4h4", use: "M3 8.5l3.5 3.5L13 4.5",
};

function icon(name: string): SVGElement {
  const isLine = ["cycle", "reset", "use"].includes(name);
  return svg("svg", { viewBox: "0 0 16 16", width: 14, height: 14, "aria-hidden": "true", class: isLine ? "cp-icon cp-line-icon" : "cp-icon" }, svg("path", { d: ICONS[name]! }));
}

function button(words: string, sign: string, act: () => void, kind = ""): HTMLButtonElement {
  return h("button", { type: "button", class: `cp-with-icon ${kind}`, click: act }, icon(sign), h("span", {}, words));
}

// --- going through a cycle --------------------------------------------------------------------

export class Transport {
  readonly element: HTMLElement;
  private readonly play: HTMLButtonElement;
  private readonly back: HTMLButtonElement;
  private readonly where = h("p", { class: "cp-where" });

  constructor(
    private readonly store: Store,
    private readonly player: Player,
    announce: Announce,
  ) {
    const go = (act: () => string | null | void) => () => {
      player.pause();
      const fault = act();
      announce(fault ? `Stopped: ${fault}` : "", !fault);
    };
    this.play = button("Play", "play", () => this.toggle(announce), "cp-primary");
    this.back = button("Back", "back", go(() => store.backStep()));
    this.element = h("div", { class: "cp-transport", role: "group", "aria-label": "Steps" },
      button("Rewind", "rewind", go(() => store.rewind())), this.back, button("Step", "step", go(() => store.forwardStep())),
      button("One cycle", "cycle", go(() => store.wholeCycle())), this.play, this.where, this.speed());
  }

  private speed(): HTMLElement {
    const names = Object.keys(SPEEDS) as Speed[];
    const { element } = choiceField("Speed", names, names.indexOf(this.player.speed), (k) => ((this.player.speed = names[k]!), null));
    return element;
  }

  private toggle(announce: Announce): void {
    const { store, player } = this;
    if (player.playing) {
      player.pause();
      store.changed();
      return;
    }
    announce("");
    const { examples, isBatch, isOwn, row } = store.setup;
    const size = store.data.batch_size;
    const others = isOwn || size >= examples.count ? "" : ` (clearprop train uses batches of ${size})`;
    if (isBatch) announce(`Training on ${every(examples.count, "example")} at once${others}.`);
    else if (examples.count > 1) announce(`Training on example ${row + 1} alone; tick “train on all examples at once” for ${every(examples.count, "example")}.`);
    player.play();
  }

  update(words: string): void {
    const { store, player } = this;
    const label = player.playing ? "Pause" : "Play";
    if (this.play.textContent !== label) this.play.replaceChildren(icon(player.playing ? "pause" : "play"), h("span", {}, label));
    this.back.disabled = store.step === 1 && store.position === 0;
    say(this.where, `Cycle ${grouped(store.step)} · ${words}`);
  }
}

// --- settings ---------------------------------------------------------------------------------

export class Settings {
  readonly element: HTMLElement;
  private refreshers: (() => void)[] = [];

  constructor(store: Store, player: Player, announce: Announce) {
    const { data } = store;
    const rate = numberField({ label: `Learning rate (${data.optimizer.name})`, value: store.setup.rate, change: (next) => store.edit({ rate: next }), hasSlider: true, least: 0 });
    this.refreshers.push(() => rate.set(store.setup.rate));
    const labels = data.activations.map((rule) => rule.label);
    const layers = data.network.layers.slice(0, 12).map((_, layer) => {
      const words = layer === store.network.last ? "Activation, output layer" : `Activation, layer ${layer + 1}`;
      const field = choiceField(words, labels, store.setup.activations[layer]!, (index) => {
        const activations = [...store.setup.activations];
        activations[layer] = index;
        return store.edit({ activations });
      });
      this.refreshers.push(() => field.set(store.setup.activations[layer]!));
      return field.element;
    });
    const loss = choiceField("Loss", data.losses.map((rule) => rule.label), store.setup.loss, (index) => store.edit({ loss: index }));
    this.refreshers.push(() => loss.set(store.setup.loss));
    const reset = button("Reset to the original network", "reset", () => (player.pause(), store.reset(), announce("This is the original network again.")), "cp-quiet");
    this.element = h("section", { class: "cp-card" }, h("h2", {}, "Network settings"), h("div", { class: "cp-fields" }, ...layers, loss.element, rate.element),
      h("p", { class: "cp-note" }, "Editing restarts the cycle count from the current weights."), reset);
  }

  update(): void {
    for (const refresh of this.refreshers) refresh();
  }
}

/** Notation, digits and rounding: they change the display, never a computation. */
export class Writing {
  readonly element: HTMLElement;
  readonly update: () => void;

  constructor(store: Store) {
    const field = <K extends keyof Shown>(label: string, key: K, items: Shown[K][]) => {
      const at = () => items.indexOf(store.shown[key]);
      const { element, set } = choiceField(label, items.map(String), at(), (k) => {
        store.shown = { ...store.shown, [key]: items[k] };
        store.changed();
        return null;
      });
      return { element, update: () => set(at()) };
    };
    const digits = field("Digits", "digits", [...Array(18).keys()]);
    const fields = [field("Notation", "notation", Object.keys(store.data.notations)), digits, field("Rounding", "rounding", ["nearest", "truncate"])];
    this.update = () => fields.forEach(({ update }) => update());
    this.element = h("div", { class: "cp-writing" }, ...fields.map(({ element }) => element));
  }
}

/** The example that is shown, and whether cycles train on it alone or on all. */
export class ExampleChoice {
  readonly element: HTMLElement;
  private readonly input: HTMLInputElement;
  private readonly of = h("span");
  private readonly batch: HTMLInputElement;

  constructor(
    private readonly store: Store,
    announce: Announce,
  ) {
    const id = fresh("example");
    const message = h("span", { id: `${id}-message`, class: "cp-message", role: "alert" });
    this.input = h("input", { id, type: "text", inputmode: "numeric", autocomplete: "off", class: "cp-short", "aria-describedby": message.id });
    const show = (row: number) => {
      const { count } = this.store.setup.examples;
      const isThere = Number.isInteger(row) && row >= 0 && row < count;
      say(message, isThere ? "" : `expected 1 to ${count}`);
      this.input.setAttribute("aria-invalid", String(!isThere));
      if (isThere) this.store.show(row);
    };
    this.input.addEventListener("input", () => show(this.input.value.trim() === "" ? NaN : Number(this.input.value) - 1));
    this.batch = h("input", { type: "checkbox", change: () => {
      const fault = this.store.edit({ isBatch: this.batch.checked });
      if (fault) this.batch.checked = !this.batch.checked;
      announce(fault ?? "");
    } });
    const arrow = (words: string, sign: string, by: number) =>
      h("button", { type: "button", class: "cp-small", "aria-label": words, title: words, click: () => show(this.store.setup.row + by) }, sign);
    this.element = h("div", { class: "cp-examples" }, h("label", { for: id }, "Example"), arrow("Previous example", "‹", -1), this.input, this.of, arrow("Next example", "›", 1),
      h("label", { class: "cp-inline" }, this.batch, " train on all examples at once"), message);
  }

  update(): void {
    const { count } = this.store.setup.examples;
    this.element.hidden = count < 2;
    if (focusedBeside(this.input) !== this.input) this.input.value = String(this.store.setup.row + 1);
    say(this.of, `of ${grouped(count)}`);
    this.batch.checked = this.store.setup.isBatch;
  }
}

// --- a person's own data ------------------------------------------------------------------------

export function ownData(store: Store, announce: Announce): HTMLElement {
  const { network } = store;
  const id = fresh("rows");
  const message = h("p", { id: `${id}-message`, class: "cp-message", role: "alert" });
  const { table } = store.data;
  const all = table ? table.order : [...Array(network.sizes[0]!).keys()].map((i) => network.inputName(i));
  const names = [...all.slice(0, 6), ...(all.length > 6 ? ["…"] : []), ...(table ? table.targets.map(({ name }) => name) : ["target"])];
  const area = h("textarea", { id, rows: 6, spellcheck: "false", "aria-describedby": message.id, placeholder: names.join(",") });
  const use = () => {
    try {
      const examples = rowsFrom(area.value, network);
      const fault = store.edit({ examples, isOwn: true, row: 0, isBatch: examples.count > 1 });
      say(message, fault ?? "");
      if (!fault) announce(`Using ${counted(examples.count, "example")} of your own${examples.note ? ` (${examples.note})` : ""}; press Play to train on ${examples.count === 1 ? "it" : "them"}.`);
    } catch (error) {
      if (!(error instanceof Unfit)) throw error;
      say(message, `${error.message}. The examples are unchanged.`);
    }
    area.setAttribute("aria-invalid", String(message.textContent !== ""));
  };
  const read = async (file: File | undefined) => {
    if (!file) return;
    if (file.size > 4_000_000) return say(message, `${file.name} is too large for a page; use clearprop train`);
    try {
      area.value = await file.text();
    } catch {
      return say(message, `${file.name} cannot be read; choose a CSV file`);
    }
    use();
  };
  const chooser = h("input", { type: "file", accept: ".csv,.tsv,.txt,text/csv", "aria-label": "A CSV file", change: () => void read(chooser.files?.[0]) });
  area.addEventListener("dragover", (event) => event.preventDefault());
  area.addEventListener("drop", (event) => {
    const file = event.dataTransfer?.files[0];
    if (!file) return;
    event.preventDefault();
    void read(file);
  });
  const back = () => {
    const fault = store.edit({ examples: store.original.examples, isOwn: false, row: 0, isBatch: store.setup.isBatch && store.original.examples.count > 1 });
    say(message, fault ?? "");
    announce(fault ? "" : "These are the original examples again.");
  };
  const width = counted(network.sizes[0]!, "input");
  const asTable = "One line per row of a table like that of the training, in the same units. The first line may name the columns, in any order. Paste rows, drop a CSV file here, or choose one.";
  const targets = network.outputs > 1 ? `${network.outputs} targets, or a class` : "the target";
  return h("details", { class: "cp-card" }, h("summary", {}, h("h2", {}, "Your own data")),
    h("label", { for: id }, table ? asTable : `One line per example: ${width}, then ${targets}. The first line may name the columns. Paste rows, drop a CSV file here, or choose one.`),
    area, message, h("div", { class: "cp-row" }, button("Use these rows", "use", use, "cp-primary"), chooser, button("Original examples", "reset", back, "cp-quiet")));
}
