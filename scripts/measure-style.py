#!/usr/bin/env python3
"""Counts what the style guide asks for, over the Rust files below the given folders (default: src).

Doc comments of functions that begin with a fragment instead of a verb, function names of one word,
the greatest number of parameters, and circles of files that import each other. Test code is left out.
"""
import os
import re
import sys

FRAGMENT = {"what", "whether", "how", "for", "who", "where", "which", "when", "as", "by", "of", "in", "from", "to", "with", "so",
            "that", "these", "all", "the", "a", "an", "its", "their", "those", "on", "at", "like", "if", "until", "not", "no",
            "everything", "everyone", "nobody", "someone", "none", "and", "or", "but", "same", "up", "it", "this", "one", "only"}
# Methods whose parameters a trait of another crate decides.
FOREIGN_METHODS = {"verify_server_cert"}
WORD = re.compile(r"[A-Za-z'`]+")


def rust_files(roots):
    for root in roots:
        for folder, _, names in os.walk(root):
            for name in sorted(names):
                if name.endswith(".rs"):
                    yield os.path.join(folder, name)
        if root.endswith(".rs"):
            yield root


def without_tests(path):
    if path.endswith("tests.rs") or "/tests/" in path:
        return ""
    return re.split(r"#\[cfg\(test\)\]\s*mod \w+ \{", open(path).read())[0]


def doc_openings(text):
    """Yields (line, first word, what it documents) of each outer doc comment."""
    lines = text.split("\n")
    for number, line in enumerate(lines):
        stripped = line.strip()
        if stripped.startswith("///") and not (number and lines[number - 1].strip().startswith("///")):
            item = number
            while item < len(lines) and re.match(r"\s*(///|#\[|#!\[)", lines[item]):
                item += 1
            word = WORD.search(stripped[3:])
            yield number + 1, word.group().strip("`").lower() if word else "", lines[item].strip() if item < len(lines) else ""


def functions(text):
    for match in re.finditer(r"\bfn (\w+)\s*(?:<[^(]*>)?\(", text):
        depth, at, parts, start = 1, match.end(), [], match.end()
        angle = 0
        while depth and at < len(text):
            c = text[at]
            if c in "([{": depth += 1
            elif c in ")]}": depth -= 1
            elif c == "<": angle += 1
            elif c == ">" and text[at - 1] != "-": angle -= 1
            if (c == "," and depth == 1 and angle == 0) or depth == 0:
                part = text[start:at].strip()
                if part: parts.append(part)
                start = at + 1
            at += 1
        params = [p for p in parts if not re.match(r"(&\s*('\w+ )?)?(mut )?self\b", p)]
        yield match.group(1), len(params), text.count("\n", 0, match.start()) + 1


def module_file(parts):
    for candidate in ("src/" + "/".join(parts) + ".rs", "src/" + "/".join(parts) + "/mod.rs"):
        if os.path.exists(candidate):
            return candidate
    return None


def module_of(path):
    parts = path[4:-3].split("/")
    return parts[:-1] if parts[-1] == "mod" else parts


def expand(tree):
    """Flattens a use tree such as a::{b, c::{d}}."""
    tree = tree.strip()
    at = tree.find("{")
    if at < 0:
        return [tree.split(" as ")[0].strip()]
    head, body, depth, items, start = tree[:at], tree[at + 1:tree.rfind("}")], 0, [], 0
    for index, c in enumerate(body + ","):
        if c == "{": depth += 1
        elif c == "}": depth -= 1
        elif c == "," and depth == 0:
            if body[start:index].strip(): items.append(body[start:index])
            start = index + 1
    return [head + leaf for item in items for leaf in expand(item)]


def reexports(path):
    found = {}
    text = without_tests(path)
    for tree in re.findall(r"(?m)^\s*pub(?:\([^)]*\))? use ([^;]+);", text):
        for leaf in expand(tree):
            parts = [p for p in leaf.split("::") if p]
            found[parts[-1]] = parts
    return found


def resolve(parts, base, depth=0):
    """The file that defines the last item of the path, through re-exports."""
    if parts and parts[0] == "crate": parts = parts[1:]
    elif parts and parts[0] in ("super", "self"):
        here = list(base)
        while parts and parts[0] in ("super", "self"):
            if parts[0] == "super": here = here[:-1]
            parts = parts[1:]
        parts = here + parts
    for length in range(len(parts), 0, -1):
        path = module_file(parts[:length])
        if path:
            rest = parts[length:]
            if rest and depth < 5:
                exported = reexports(path).get(rest[0])
                if exported:
                    head = exported if exported[0] in ("crate", "super", "self") else ["crate"] + module_of(path) + exported
                    deeper = resolve(head, module_of(path), depth + 1)
                    return deeper or path
            return path
    return "src/lib.rs" if parts else None


def imports(path):
    text, base, found = without_tests(path), module_of(path), set()
    for visibility, tree in re.findall(r"(?m)^\s*(pub(?:\([^)]*\))? )?use ([^;]+);", text):
        if visibility: continue
        for leaf in expand(tree):
            parts = [p for p in leaf.split("::") if p]
            if parts[0] not in ("crate", "super", "self"):
                if module_file(base + [parts[0]]): parts = ["crate"] + base + parts
                else: continue
            target = resolve(parts, base)
            if target and target != path: found.add(target)
    text = re.sub(r"(?m)^\s*//.*$", "", text)
    body = re.sub(r"(?m)^\s*(pub(?:\([^)]*\))? )?use [^;]+;", "", text)
    for inline in re.findall(r"\b((?:crate|super|self)(?:::\w+)+)", body):
        target = resolve(inline.split("::"), base)
        if target and target != path: found.add(target)
    for child in re.findall(r"(?m)^\s*(?:pub(?:\([^)]*\))? )?mod (\w+);", text):
        if re.search(r"(?<![\w:])" + child + r"::\w", body):
            rest = re.search(r"(?<![\w:])" + child + r"((?:::\w+)+)", body).group(1).strip(":").split("::")
            target = resolve(["crate"] + base + [child] + rest, base)
            if target and target != path: found.add(target)
    return found


def circles():
    graph = {path: imports(path) for path in rust_files(["src"])}
    index, low, stack, on, count, result = {}, {}, [], set(), [0], []
    sys.setrecursionlimit(10000)

    def visit(v):
        index[v] = low[v] = count[0]; count[0] += 1
        stack.append(v); on.add(v)
        for w in graph.get(v, ()):
            if w not in index: visit(w); low[v] = min(low[v], low[w])
            elif w in on: low[v] = min(low[v], index[w])
        if low[v] == index[v]:
            part = []
            while True:
                w = stack.pop(); on.discard(w); part.append(w)
                if w == v: break
            if len(part) > 1: result.append(sorted(part))
    for v in graph:
        if v not in index: visit(v)
    return result


def main():
    arguments = [a for a in sys.argv[1:] if not a.startswith("-")]
    roots, verbose = arguments or ["src"], "-v" in sys.argv or bool(arguments)
    docs = bad = one = names = most = 0
    for path in rust_files(roots):
        text = without_tests(path)
        for line, word, item in doc_openings(text):
            docs += 1
            is_function = re.search(r"\bfn \w+", item)
            fragment = word in FRAGMENT - {"the", "a", "an", "no", "one", "all"} or (is_function and word in FRAGMENT)
            fragment = fragment or (is_function and not re.match(r".*(s|`)$", word))
            if fragment:
                bad += 1
                if verbose: print(f"{path}:{line}: doc begins with '{word}': {item[:70]}")
        for name, params, line in functions(text):
            names += 1
            if "_" not in name.strip("_"):
                one += 1
                if verbose: print(f"{path}:{line}: one word: {name}")
            if params > 4 and name not in FOREIGN_METHODS: print(f"{path}:{line}: {params} parameters: {name}")
            if name not in FOREIGN_METHODS: most = max(most, params)
    print(f"doc comments {docs}, beginning with a fragment {bad} ({100 * bad // max(docs, 1)} %)")
    print(f"functions {names}, with a name of one word {one} ({100 * one // max(names, 1)} %)")
    print(f"greatest number of parameters {most}")
    found = circles()
    print(f"circles of files {len(found)}")
    for part in found: print("   " + " <-> ".join(part))


main()
