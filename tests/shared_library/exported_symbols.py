#!/usr/bin/env python3
"""Checks what the shared library exports.

  exported_symbols.py SHARED STATIC HEADERS LIST [--write] [OBJECT...]

SHARED exports the functions of LIST and nothing else, all in namespace inlay or named inlay_*. What
the OBJECTs of other programs take from STATIC is among them, if a header in the folder HEADERS
declares it: otherwise it lacks INLAY_API there. --write makes LIST what SHARED exports, to be
looked through and committed.
"""

import glob
import os
import re
import subprocess
import sys

CLASS = re.compile(r"^(?:class|struct)\s(?:\[\[.*?\]\]\s)?(\w+)(?:\sfinal)?\s(?::[^;{]*)?\{", re.M)
# A function of a namespace begins in the first column, behind INLAY_API and attributes.
FUNCTION = re.compile(r"^(?:\[\[.*?\]\] |INLAY_API )*[a-zA-Z][\w:<>,&* ]*[\s*&](\w+)\(", re.M)
SYMBOL = re.compile(r"(?:\w+::)*?(?:(\w+)::)?(~?\w+)(?:\[abi:\w+\])?(?:\(.*)?$")


def symbols(arguments, paths):
    """The names that nm prints of these files, without types of symbols."""
    listed = subprocess.run(["nm", "-C", "--no-sort", *arguments, *paths], check=True,
                            capture_output=True, text=True, env={"LC_ALL": "C"}).stdout
    names = set()
    for line in listed.split("\n"):
        # "0000000000012345 T inlay::f(int)"; without an address in front if it is undefined.
        words = line[16:].split(maxsplit=1) if line[:1] not in ("", "/") else []
        if len(words) == 2 and len(words[0]) == 1:
            names.add(words[1])
    return names


def is_public(name):
    return name.startswith(("inlay::", "inlay_"))


class Headers:
    """What the public headers declare, as far as a search for words can tell."""

    def __init__(self, folder):
        texts = []
        for path in sorted(glob.glob(os.path.join(folder, "*.h"))):
            with open(path, encoding="utf-8") as file:
                texts.append(file.read())
        text = "\n".join(texts)
        self.classes = set(CLASS.findall(text))
        self.functions = set(FUNCTION.findall(text))

    def declare(self, symbol):
        match = SYMBOL.match(symbol)
        return bool(match) and (match.group(1) in self.classes or match.group(2) in self.functions)


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--write"]
    shared, static, headers, path, *objects = arguments
    exported = symbols(["-D", "--defined-only"], [shared])
    if "--write" in sys.argv:
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(name + "\n" for name in sorted(exported))
    with open(path, encoding="utf-8") as file:
        expected = set(file.read().split("\n")) - {""}

    faults = [f"is exported, and is neither in namespace inlay nor named inlay_*: {name}"
              for name in exported if not is_public(name)]
    faults += [f"is exported, and not in the list: {name}" for name in exported - expected]
    faults += [f"is in the list, and not exported: {name}" for name in expected - exported]
    if objects:
        declared = Headers(headers)
        used = symbols(["--undefined-only"], objects) & symbols(["--defined-only"], [static])
        faults += [f"is declared in a public header, used, and hidden; INLAY_API is missing: {name}"
                   for name in used - exported if is_public(name) and declared.declare(name)]
    for fault in sorted(faults):
        print(fault)
    if faults:
        print("If that is meant to be: cmake --build BUILD --target list_exported_symbols")
    print(f"{len(exported)} symbols are exported")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
