#!/usr/bin/env python3
"""Runs clang-tidy over source files, several at a time.

  tools/check/tidy.py BUILD [--all | --since COMMIT]

BUILD has the compile_commands.json. --all: all source files. Otherwise those that differ from
COMMIT or are not committed, and for a header the smallest source file that includes it. Without
COMMIT: from where this branch left origin/main, or else from the commit before the last one.
"""

import json
import multiprocessing.pool
import os
import posixpath
import re
import subprocess
import sys

from project_files import project_files, project_root, read_lines

INCLUDE = re.compile(r'\s*#\s*include\s+["<]([^">]+)[">]')


def git_lines(root, *arguments):
    made = subprocess.run(["git", "-C", root, *arguments], check=False, capture_output=True,
                          text=True)
    return made.stdout.split("\n")[:-1] if made.returncode == 0 else []


def base_of_branch(root):
    head = git_lines(root, "rev-parse", "HEAD")
    for base in (git_lines(root, "merge-base", "origin/main", "HEAD"),
                 git_lines(root, "rev-parse", "--verify", "HEAD~1")):
        if base and base != head:
            return base[0]
    return "HEAD"


def changed_files(root, base):
    committed = git_lines(root, "diff", "--name-only", "--diff-filter=d", base)
    return set(committed + git_lines(root, "ls-files", "--others", "--exclude-standard"))


def includers(root, sources, files):
    """For each header the smallest of the source files that include it, also by way of others."""
    included = {}  # by each file
    for path in files:
        if path.endswith((".cc", ".h")):
            matches = map(INCLUDE.match, read_lines(root, path))
            names = {match.group(1) for match in matches if match}
            places = [(name, "include/" + name, posixpath.join(posixpath.dirname(path), name))
                      for name in names]
            included[path] = {place for three in places for place in three if place in files}
    smallest = {}
    for source in sorted(sources, key=lambda path: os.path.getsize(os.path.join(root, path))):
        seen, left = set(), [source]
        while left:
            new = included.get(left.pop(), set()) - seen
            seen |= new
            left += new
        for header in seen:
            smallest.setdefault(header, source)
    return smallest


def tidy(root, build, source):
    command = ["clang-tidy", "-p", build, "--quiet", "--warnings-as-errors=*", source]
    if source.startswith("build/"):  # it includes several of ours
        command.insert(1, "--checks=-bugprone-suspicious-include")
    made = subprocess.run(command, cwd=root, check=False, capture_output=True, text=True)
    faults = made.stdout.replace(root + "/", "")
    # On standard error it counts what it does not show; what makes it fail is there too.
    return faults if made.returncode == 0 or faults else made.stderr


def main():
    root = project_root()
    build, options = sys.argv[1], sys.argv[2:]
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        commands = json.load(file)
    compiled = {os.path.relpath(entry["file"], root) for entry in commands}
    if options == ["--all"]:
        chosen = compiled  # those that the build makes too: they include several of ours
    else:
        files = set(project_files(root))
        sources = compiled & files
        base = options[1] if options else base_of_branch(root)
        changed = changed_files(root, base)
        by_header = includers(root, sources, files)
        chosen = (changed & sources) | {by_header[path] for path in changed if path in by_header}
    with multiprocessing.pool.ThreadPool(os.cpu_count()) as pool:
        outputs = pool.map(lambda source: tidy(root, build, source), sorted(chosen), chunksize=1)
    # A header's faults are found by every file that includes it.
    faults = dict.fromkeys(output.strip() for output in outputs if output.strip())
    print("\n".join(faults))
    print(f"{len(chosen)} files", file=sys.stderr)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
