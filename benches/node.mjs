// Runs a group in Node: node node.mjs FOLDER GROUP ROUNDS [CASE], where FOLDER has bench.js. Progress goes to stderr, the rows to stdout.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [folder, group, rounds, only = ""] = process.argv.slice(2);
const module = new WebAssembly.Module(readFileSync(`${folder}/bench_bg.wasm`));

const progress = (line) => console.error(`  node: ${line}`);

// An instance of the module with a memory of its own.
async function load(name) {
    const url = pathToFileURL(`${folder}/bench.js`);
    url.search = encodeURIComponent(name);
    const instance = await import(url);
    instance.initSync({ module });
    return instance;
}

let rows;
try {
    const bench = await load("bench");
    rows = await bench.run(group, only, Number(rounds), progress, [], load);
} catch (error) {
    rows = JSON.stringify({ error: String(error) });
}
// Workers would keep the process alive.
process.stdout.write(rows, () => process.exit());
