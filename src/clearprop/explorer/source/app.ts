/* The page: the diagram and its controls, beside the explanation of what is selected. */

import { addressOf, goToAddress } from "./address";
import { ExampleChoice, ownData, Settings, Transport, Writing } from "./controls";
import { Curve } from "./curve";
import type { Data } from "./data";
import { Diagram } from "./diagram";
import { abridged, copied, h, say } from "./dom";
import { grouped } from "./number";
import { Panel } from "./panel";
import { Parts } from "./parts";
import { told } from "./phases";
import { placesOf } from "./highlight";
import { Player } from "./player";
import type { Quantity } from "./quantity";
import { Store } from "./store";
import { Surface } from "./surface";
import { Tables } from "./tables";
import { tomlOf } from "./toml";
import { warningsOf, type Warning } from "./warnings";

export interface Options {
  /** Whether the state goes into the page's address; not in a notebook. */
  hasAddress: boolean;
}

/** While playing, the costly parts are drawn at most once in this many milliseconds. */
const SELDOM = 120;

export class App {
  readonly store: Store;
  private readonly diagram: Diagram;
  private readonly panel: Panel;
  private readonly player: Player;
  private readonly transport: Transport;
  private readonly others: { update(): void }[] = [];
  private readonly parts: Parts;
  private readonly surface: Surface | null;
  private readonly message = h("p", { class: "cp-status", role: "status" });
  private readonly warnings = h("ul", { class: "cp-warnings", "aria-label": "Warnings" });
  private last = 0;
  private beginning = 0;
  private isDue = false;

  constructor(
    data: Data,
    private readonly root: HTMLElement,
    private readonly options: Options,
  ) {
    const store = (this.store = new Store(data));
    const announce = (words: string, isGood = true) => this.announce(words, isGood);
    const select = (quantity: Quantity) => this.select(quantity);
    const point = (places: string[]) => (this.diagram.light(places), this.panel.light(places));
    this.diagram = new Diagram(store, select, point);
    this.panel = new Panel(store, select, point, announce);
    this.player = new Player(store, (ending) => announce(ending.words, ending.isGood));
    this.transport = new Transport(store, this.player, announce);
    const [settings, writing, example] = [new Settings(store, this.player, announce), new Writing(store), new ExampleChoice(store, announce)];
    const [curve, tables] = [new Curve(store), new Tables(store, select)];
    this.surface = store.network.sizes[0] === 2 ? new Surface(store) : null;
    this.others.push(settings, writing, example, curve, tables);

    const title = h("h1", {}, h("span", { class: "cp-brand" }, "clearprop"), " ", h("bdi", { title: data.name }, abridged(data.name, 80)));
    const remarks = data.remarks.map((each) => h("li", {}, h("bdi", {}, each)));
    const origin = remarks.length ? h("ul", { class: "cp-remarks", "aria-label": "Read from another framework" }, ...remarks) : null;
    const stage = h("section", { class: "cp-stage", "aria-label": "The network" }, this.transport.element, example.element, this.diagram.element, this.message, this.warnings);
    const stack = h("div", { class: "cp-stack" }, curve.element, settings.element);
    const pair = this.surface ? [stack, this.surface.element] : [curve.element, settings.element];
    const [own, takeaway, foot] = [ownData(store, announce), this.takeaway(), this.foot()];
    const cards = h("div", { class: "cp-cards" }, ...pair, tables.element, own);
    this.parts = new Parts({
      head: [title, writing.element, takeaway, foot], steps: [this.transport.element, example.element], diagram: [this.diagram.element],
      why: [this.panel.element], curve: [curve.element], surface: [this.surface?.element ?? null], settings: [settings.element],
      tables: [tables.element], data: [own],
    });
    root.classList.add("cp-explorer", "cp-frame");
    root.replaceChildren(h("header", { class: "cp-header" }, title, writing.element, takeaway, origin),
      h("div", { class: "cp-columns" }, stage, this.panel.element, cards), foot);
    store.on(() => this.changed());
    // An opened table is filled only after its event, which printing does not wait for.
    addEventListener("beforeprint", () => ((tables.element.open = true), tables.update()));
    if (options.hasAddress) {
      const read = () => announce([this.parts.read(location.hash), goToAddress(store, location.hash)].filter(Boolean).join(" "), false);
      read();
      addEventListener("hashchange", () => location.hash.slice(1) !== this.address() && read());
    }
    this.refresh(true);
  }

  private announce(words: string, isGood = true): void {
    say(this.message, words);
    this.message.classList.toggle("cp-bad", !isGood && words !== "");
  }

  private select(quantity: Quantity): void {
    this.store.select(quantity);
  }

  // --- drawing ----------------------------------------------------------------------------

  private changed(): void {
    // What was said of other cycles is no longer true.
    if (this.beginning !== this.store.beginnings) this.announce("");
    this.beginning = this.store.beginnings;
    if (this.player.playing) return this.refresh(performance.now() - this.last > SELDOM);
    this.refresh(true);
  }

  private refresh(isWhole: boolean): void {
    const { store } = this;
    this.transport.update(this.words());
    this.diagram.update();
    this.panel.update(!isWhole);
    if (!isWhole) return;
    this.last = performance.now();
    for (const other of this.others) other.update();
    this.surface?.update();
    this.warn();
    this.markStep();
    if (this.options.hasAddress && !this.player.playing) this.writeAddress();
    this.root.toggleAttribute("data-playing", this.player.playing);
    this.root.setAttribute("data-cycle", String(store.step));
  }

  private words(): string {
    const { store } = this;
    if (store.position === 0) return "Nothing computed yet; press Step";
    const { words } = told(store.phases[store.position - 1]!, store.network, (quantity) => store.names.text(quantity));
    if (store.position < store.phases.length) return words;
    return `${words}; ${store.names.words.total_error} is now ${store.view.number(store.current.errorAfter)}`;
  }

  private markStep(): void {
    const { store } = this;
    for (const element of this.root.querySelectorAll(".cp-just")) element.classList.remove("cp-just");
    if (store.position === 0) return;
    const { units } = told(store.phases[store.position - 1]!, store.network, () => "");
    this.diagram.mark("cp-just", units.flatMap((unit) => placesOf(unit, store.network)));
    this.root.toggleAttribute("data-updated", store.progress.hasUpdate);
  }

  private warn(): void {
    const isTold = ({ about }: Warning) => about === null || this.store.isKnown(about);
    const items = warningsOf(this.store).filter(isTold).map(({ words, about, isNote }) =>
      h("li", { class: isNote ? "cp-harmless" : null }, about ? h("button", { type: "button", class: "cp-quiet", click: () => this.select(about) }, words) : words));
    this.warnings.hidden = items.length === 0;
    if (this.warnings.textContent !== items.map((item) => item.textContent).join("")) this.warnings.replaceChildren(...items);
  }

  // --- download and share ------------------------------------------------------------------------

  private writeAddress(): void {
    if (this.isDue) return;
    this.isDue = true;
    setTimeout(() => {
      this.isDue = false;
      const address = this.address();
      if (address === null || location.hash.slice(1) === address) return;
      try {
        history.replaceState(null, "", address ? `#${address}` : location.pathname + location.search);
      } catch {
        // A page inside another one may not change its address.
      }
    }, 150);
  }

  private address(): string | null {
    const address = addressOf(this.store);
    return address === null ? null : this.parts.in(address);
  }

  private takeaway(): HTMLElement {
    const item = (words: string, act: () => void) => h("button", { type: "button", class: "cp-quiet", click: act }, words);
    const items = [item("Network (TOML)", () => this.download("toml")), item("Diagram (SVG)", () => this.download("svg"))];
    if (this.options.hasAddress) items.push(item("Copy link", () => this.copyLink()));
    items.push(item("Print", () => print()));
    return h("div", { class: "cp-takeaway", role: "group", "aria-label": "Download and share" }, ...items);
  }

  private async copyLink(): Promise<void> {
    const address = this.address();
    if (address === null) return this.announce("This state is too large for a link; download the network instead.", false);
    const isDone = await copied(`${location.href.split("#")[0]}#${address}`, this.root);
    this.announce(isDone ? "Copied a link to this state." : "The browser blocks copying; copy the address of this page instead.");
  }

  /** The text of a file to download, or null where there can be none. */
  file(kind: "toml" | "svg"): string | null {
    return kind === "toml" ? tomlOf(this.store) : this.diagram.file();
  }

  private download(kind: "toml" | "svg"): void {
    const content = this.file(kind);
    if (content === null) return this.announce("This network uses a rule defined in Python, which a network file cannot describe.", false);
    const type = kind === "toml" ? "application/toml" : "image/svg+xml";
    const name = this.store.data.name.replace(/\.\w+$/, "").replace(/[^\p{L}\p{N}_-]+/gu, "-").slice(0, 60) || "network";
    const url = URL.createObjectURL(new Blob([content], { type }));
    const link = h("a", { href: url, download: `${name}.${kind}` });
    this.root.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  }

  private foot(): HTMLElement {
    const { examples } = this.store.data;
    const left = examples.left_out ? ` ${grouped(examples.left_out)} more examples do not fit into the page.` : "";
    return h("footer", { class: "cp-foot" }, `Computed in this page in full precision; only the display is rounded.${left}`);
  }
}
