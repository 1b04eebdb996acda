/* A field for one number: an entry is tried at once; an invalid one is explained beside the field, and the last
   good value is kept. */

import { focusedBeside, fresh, h } from "./dom";
import { plainNumber } from "./number";

export interface NumberField {
  element: HTMLElement;
  input: HTMLInputElement;
  /** Show a value that was set elsewhere, unless a person is typing in the field. */
  set(value: number): void;
}

export interface FieldOptions {
  label: string;
  value: number;
  /** Try the value. Returns why it is impossible, or null. */
  change(value: number): string | null;
  isCompact?: boolean;
  hasSlider?: boolean;
  least?: number;
}

/** The number that was typed, or a sentence that says why it is none. */
export function typed(text: string, least = -Infinity): number | string {
  const clean = text.trim().replace("−", "-").replace(/^(-?\d+),(\d+)$/, "$1.$2");
  if (!clean) return "empty; enter a number such as 0.25";
  const value = Number(clean);
  const shown = clean.length > 20 ? `${clean.slice(0, 19)}…` : clean;
  if (!/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(clean)) return `“${shown}” is not a number; enter one such as 0.25`;
  if (!Number.isFinite(value)) return `${shown} is too large for a number`;
  return value < least ? `expected at least ${least}, found ${shown}` : value;
}

export function numberField(options: FieldOptions): NumberField {
  const { label, change, isCompact = false, hasSlider = false, least = -Infinity } = options;
  let value = options.value;
  const id = fresh("field");
  const message = h("span", { id: `${id}-message`, class: "cp-message", role: "alert" });
  const input = h("input", {
    id, type: "text", inputmode: "decimal", autocomplete: "off", spellcheck: "false", value: plainNumber(value),
    "aria-describedby": message.id, "aria-label": isCompact ? label : null,
  });
  const slider = hasSlider ? h("input", { type: "range", "aria-label": `${label}, slider`, step: "any" }) : null;

  const say = (words: string) => {
    message.textContent = words && `${words} (still ${plainNumber(value)})`;
    input.setAttribute("aria-invalid", String(words !== ""));
  };
  const attempt = (found: number | string) => {
    const problem = typeof found === "string" ? found : change(found);
    if (problem === null) value = found as number;
    say(problem ?? "");
    return problem === null;
  };
  const span = (about: number) => {
    const reach = Math.max(1, 2 * Math.abs(about));
    const low = Math.max(least, least >= 0 ? 0 : -reach);
    if (slider) [slider.min, slider.max] = [String(low), String(reach)];
    if (slider) slider.value = String(about);
  };
  span(value);
  input.addEventListener("input", () => {
    if (attempt(typed(input.value, least)) && slider) span(value);
  });
  input.addEventListener("blur", () => {
    if (input.getAttribute("aria-invalid") !== "true") input.value = plainNumber(value);
  });
  input.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape") return;
    input.value = plainNumber(value);
    say("");
  });
  slider?.addEventListener("input", () => {
    const rounded = Number(Number(slider.value).toPrecision(4));
    if (attempt(rounded)) input.value = plainNumber(rounded);
  });
  const caption = isCompact ? null : h("label", { for: id }, label);
  const element = h("span", { class: isCompact ? "cp-field cp-compact" : "cp-field" }, caption, input, slider, message);
  return {
    element,
    input,
    set(next) {
      value = next;
      if (focusedBeside(input) !== input) {
        const text = plainNumber(next);
        if (input.value !== text) input.value = text;
        if (message.textContent) say("");
      }
      if (slider && focusedBeside(slider) !== slider) span(next);
    },
  };
}

/** A choice from a list; an impossible one is explained beside it. */
export function choiceField(label: string, items: string[], chosen: number, change: (index: number) => string | null): { element: HTMLElement; set(index: number): void } {
  const id = fresh("choice");
  const message = h("span", { id: `${id}-message`, class: "cp-message", role: "alert" });
  const select = h("select", { id, "aria-describedby": message.id }, ...items.map((item, k) => h("option", { value: k }, item)));
  let value = chosen;
  select.value = String(chosen);
  select.addEventListener("change", () => {
    const problem = change(Number(select.value));
    message.textContent = problem ?? "";
    if (problem === null) value = Number(select.value);
    else select.value = String(value);
  });
  const element = h("span", { class: "cp-field" }, h("label", { for: id }, label), select, message);
  const set = (index: number) => {
    if (value !== index) message.textContent = "";
    value = index;
    select.value = String(index);
  };
  return { element, set };
}
