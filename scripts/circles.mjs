/* Circular imports among TypeScript files, imports of types included:

       node scripts/circles.mjs FOLDER

   prints each circle and fails if there is one. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const folder = process.argv[2];
const names = readdirSync(folder).filter((name) => name.endsWith(".ts")).map((name) => name.slice(0, -3));
const imports = new Map(names.map((name) => [name, importsOf(readFileSync(join(folder, `${name}.ts`), "utf8"))]));

function importsOf(text) {
  return [...text.matchAll(/\bfrom "\.\/(\w+)"|\bimport\("\.\/(\w+)"\)|^import "\.\/(\w+)"/gm)].map((match) => match[1] ?? match[2] ?? match[3]);
}

/** The first circle on the way on from a file, or null. Files that lead to none are done with. */
function circleFrom(name, way, done) {
  if (way.includes(name)) return [...way.slice(way.indexOf(name)), name];
  if (done.has(name)) return null;
  for (const next of imports.get(name) ?? []) {
    const found = circleFrom(next, [...way, name], done);
    if (found) return found;
  }
  done.add(name);
  return null;
}

const done = new Set();
const circle = names.map((name) => circleFrom(name, [], done)).find((found) => found !== null);
if (circle) {
  console.error(`${folder}: a circular import: ${circle.map((name) => `${name}.ts`).join(" → ")}`);
  process.exit(1);
}
