"""What a library is made of, by crate, held against its budget: the second half of scripts/size-phones."""

import argparse
import collections
import pathlib
import re
import subprocess
import sys
import tomllib

STANDARD = {"core", "alloc", "std", "compiler_builtins", "panic_abort", "panic_unwind", "hashbrown", "gimli",
            "addr2line", "object", "miniz_oxide", "rustc_demangle", "unwind", "std_detect"}
# The first name of a path: at the beginning, or where a type begins.
ROOT_OF_PATH = re.compile(r"(?:^|[<(&,\[*;=> ])([a-z_][a-z0-9_]*)(?=(?:\[[0-9a-f]+\])?::)")


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def crate_of(name):
    """The first crate in a demangled name that is not the standard library's: what is generic counts for its user."""
    roots = [root for root in ROOT_OF_PATH.findall(name)]
    return next((root for root in roots if root not in STANDARD), "std" if roots else None)


def names_of_c(nm, build):
    """Which archive of C a symbol came from."""
    owners = {}
    for archive in sorted(build.glob("*/out/**/*.a")):
        for line in run(nm, "--defined-only", "--format=just-symbols", str(archive)).splitlines():
            owners.setdefault(line.strip(), f"{archive.name} (C)")
    return owners


def by_crate(nm, library, build):
    owners = names_of_c(nm, build)
    sizes = collections.Counter()
    mangled = run(nm, "--print-size", "--radix=d", "--defined-only", str(library)).splitlines()
    demangled = run(nm, "--demangle", "--print-size", "--radix=d", "--defined-only", str(library)).splitlines()
    counted = set()
    for raw, line in zip(mangled, demangled, strict=True):
        fields = raw.split(None, 3)
        if len(fields) < 4 or fields[2] in "bB" or fields[0] in counted:
            continue
        # Functions that were folded into one have one address.
        counted.add(fields[0])
        crate = owners.get(fields[3]) or crate_of(line.split(None, 3)[3])
        sizes[crate or "neither Rust nor a known archive"] += int(fields[1])
    return sizes


def sections(readelf, library):
    """(name, size) of what is loaded from the file, largest first."""
    found = []
    for line in run(readelf, "-SW", str(library)).splitlines():
        match = re.match(r"\s*\[\s*\d+\]\s+(\.\S+)\s+(\S+)\s+\S+\s+\S+\s+([0-9a-f]+)", line)
        if match and match[2] != "NOBITS":
            found.append((match[1], int(match[3], 16)))
    return sorted(found, key=lambda entry: -entry[1])


def main():
    parser = argparse.ArgumentParser()
    for name in ("budget", "bin", "stripped", "library", "build"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    parser.add_argument("--top", type=int, required=True)
    given = parser.parse_args()
    budget = tomllib.loads(given.budget.read_text())["android"]["arm64"]["library"]
    size = given.stripped.stat().st_size
    print(f"size-phones: {size:,} bytes stripped, budget {budget:,}")
    for name, length in sections(str(given.bin / "llvm-readelf"), given.stripped)[:6]:
        print(f"  section {name:<16} {length:>10,}")
    sizes = by_crate(str(given.bin / "llvm-nm"), given.library, given.build)
    print(f"  by crate, of {sum(sizes.values()):,} bytes that have a symbol:")
    for crate, length in sizes.most_common(given.top):
        print(f"  {crate:<36} {length:>10,}")
    if size > budget:
        sys.exit(f"size-phones: {size - budget:,} bytes over the budget of {given.budget}")


if __name__ == "__main__":
    main()
