#!/usr/bin/env python3
"""Checks that no line of code, comments, build files or prose is longer than 100 columns.

  tools/check/line_length.py [ROOT]

In Markdown, tables, pictures and blocks of code may be wider; anywhere, a line that an address
makes long.
"""

import os
import re

from project_files import is_data, read_lines, run_check

MOST_COLUMNS = 100
ENDINGS = (".cc", ".h", ".c", ".cmake", ".in", ".sh", ".py", ".md", ".yml", "CMakeLists.txt")
NAMES = (".clang-format", ".clang-tidy", ".gitignore", "run")
FENCE = re.compile(r"\s*(```|~~~)")
GENERATED = re.compile(r"<!-- results: (begin|end)")  # bench/readme_results.sh: what is between
WITHOUT_SPACE = re.compile(r"\s*(?:[-*]\s+|//\s+|#\s+)?\S+$")


def markdown_prose(lines):
    inside = False
    for number, line in enumerate(lines, 1):
        if FENCE.match(line) or GENERATED.match(line):
            inside = not inside
        elif not inside and not line.startswith("    ") and \
                not line.lstrip().startswith(("|", "![")):
            yield number, line


def find_faults(root, paths):
    for path in paths:
        if is_data(path) or not path.endswith(ENDINGS) and os.path.basename(path) not in NAMES:
            continue
        lines = read_lines(root, path)
        numbered = markdown_prose(lines) if path.endswith(".md") else enumerate(lines, 1)
        for number, line in numbered:
            if len(line) <= MOST_COLUMNS or "://" in line or WITHOUT_SPACE.match(line):
                continue
            yield f"{path}:{number}: {len(line)} columns"


if __name__ == "__main__":
    run_check(find_faults)
