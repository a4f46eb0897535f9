#!/usr/bin/env python3
"""Makes a crate of the decisive code alone, without the clients of the stores: mutants-crate.py FOLDER.

A thousand changes are built one after the other; in this crate, one took 2 to 12 s, two at a time on two cores. What it
leaves out is only declared or imported by the modules that it takes: `docs/architecture.md` has the arrows.
"""

import re
import shutil
import sys
import tomllib
from pathlib import Path

# Taken with all files below them; each is pure.
MODULES = ["codec", "events", "model", "outcome", "pipeline", "shell", "visible", "wording"]
# Of `backends`, the traits and the store in memory; of `commands::edit`, the decision.
BACKENDS = ["memory"]
EDIT = ["args", "consequences", "decision", "failures"]


def copy_module(source: Path, target: Path, name: str) -> None:
    """Copies the file and the folder of a module, as far as there are both."""
    target.mkdir(parents=True, exist_ok=True)
    if (source / f"{name}.rs").exists():
        shutil.copy(source / f"{name}.rs", target)
    if (source / name).exists():
        shutil.copytree(source / name, target / name)


def write(path: Path, content: str) -> None:
    """Writes a file and the folders that it is in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def keep_modules(text: str, kept: list[str]) -> str:
    """Leaves out the declarations of all other modules."""
    declared = re.compile(r"^(pub )?mod (\w+);\n", re.MULTILINE)
    return declared.sub(lambda found: found[0] if found[2] in kept else "", text)


def describe_dependencies(project: Path, used: str) -> str:
    """Returns the sections of the dependencies that are used, by their names."""
    manifest = tomllib.loads((project / "Cargo.toml").read_text())
    lines = []
    for section in ["dependencies", "dev-dependencies"]:
        lines.append(f"[{section}]")
        for name, value in manifest[section].items():
            if re.search(rf"\b{name.replace('-', '_')}::", used):
                lines.append(f"{name} = {describe_value(value)}")
    return "\n".join(lines) + "\n"


def describe_value(value: object) -> str:
    """Returns a TOML value of one line."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            return f'"{value}"'
        case list():
            return "[" + ", ".join(map(describe_value, value)) + "]"
        case dict():
            return "{ " + ", ".join(f"{key} = {describe_value(one)}" for key, one in value.items()) + " }"
    raise ValueError(value)


def main() -> None:
    """Makes the crate."""
    project, crate = Path(__file__).resolve().parent.parent, Path(sys.argv[1])
    source, target = project / "src", crate / "src"
    shutil.rmtree(target, ignore_errors=True)
    for name in MODULES:
        copy_module(source, target, name)
    for name in BACKENDS:
        copy_module(source / "backends", target / "backends", name)
    for name in EDIT:
        copy_module(source / "commands/edit", target / "commands/edit", name)
    write(target / "backends/mod.rs", keep_modules((source / "backends/mod.rs").read_text(), BACKENDS))
    write(target / "commands/edit/mod.rs", "".join(f"mod {name};\n" for name in EDIT))
    write(target / "commands/mod.rs", "mod edit;\n")
    fuzz = (source / "fuzz.rs").read_text()
    write(target / "fuzz.rs", fuzz[fuzz.index("/// Returns the configuration of every fuzz test") :])
    declared = "".join(f"pub mod {name};\n" for name in ["backends", *MODULES])
    write(target / "lib.rs", f"#![allow(dead_code)]\n{declared}mod commands;\n#[cfg(test)]\nmod fuzz;\n")
    used = "\n".join(file.read_text() for file in target.rglob("*.rs"))
    package = '[package]\nname = "restatectl"\nversion = "0.0.0"\nedition = "2024"\n\n[workspace]\n\n'
    profile = "\n[profile.dev]\ndebug = false\n\n[profile.dev.package.\"*\"]\nopt-level = 1\n"
    write(crate / "Cargo.toml", package + describe_dependencies(project, used) + profile)
    shutil.copyfile(project / "Cargo.lock", crate / "Cargo.lock")


main()
