/* The parts of the page: all, or those that its address names, for a page within another one. */

import { abridged } from "./dom";

export class Parts {
  private names: string[] = [];

  constructor(private readonly elements: Record<string, (Element | null)[]>) {}

  /** Show the parts that an address names, or all. Returns what is wrong with the names. */
  read(address: string): string {
    const named = new URLSearchParams(address.replace(/^#/, "")).get("show")?.split(",").map((each) => each.trim()).filter(Boolean) ?? [];
    const known = Object.keys(this.elements);
    const strange = named.find((name) => !known.includes(name));
    this.names = strange === undefined ? named : [];
    for (const name of known)
      for (const element of this.elements[name]!) element?.classList.toggle("cp-left-out", this.names.length > 0 && !this.names.includes(name));
    return strange === undefined ? "" : `This page has no part "${abridged(strange, 30)}"; its parts are ${known.join(", ")}.`;
  }

  /** An address, with the parts that are shown. */
  in(address: string): string {
    return [address, ...(this.names.length ? [`show=${this.names.join(",")}`] : [])].filter(Boolean).join("&");
  }
}
