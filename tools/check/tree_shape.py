#!/usr/bin/env python3
"""Checks what keeps the tree easy to look through.

  tools/check/tree_shape.py [ROOT]

Files of at most 520 lines, folders of at most 32 files of code, nothing at the top that does not
belong there, and no names that say nothing.
"""

import collections
import os
import posixpath
import re

from project_files import is_data, read_lines, run_check

MOST_LINES = 520
MOST_FILES = 32
TOP = {"engine", "include", "tests", "bench", "tools", "docs", "CMakeLists.txt",
       "CMakePresets.json", "README.md", "LICENSE"}
CODE_ENDINGS = (".cc", ".h", ".c", ".cmake", ".py", ".sh", "CMakeLists.txt")
EMPTY_NAME = re.compile(r"(?:^|[/_.])(?:utils?|common|helpers?|misc)(?:[/_.]|$)", re.IGNORECASE)


def find_faults(root, paths):
    in_folder = collections.Counter()
    for path in paths:
        top = path.split("/")[0]
        if top not in TOP and not top.startswith("."):
            yield f"{path}: {top} does not belong to the top level"
        if is_data(path):
            continue
        if EMPTY_NAME.search(path):
            yield f"{path}: the name does not say what is in it"
        if path.endswith(CODE_ENDINGS):
            in_folder[posixpath.dirname(path)] += 1
            lines = len(read_lines(root, path)) - 1
            if lines > MOST_LINES:
                yield f"{path}: {lines} lines, where {MOST_LINES} is the limit"
    for folder, files in sorted(in_folder.items()):
        if files > MOST_FILES:
            yield f"{folder or os.curdir}: {files} files of code, where {MOST_FILES} is the limit"


if __name__ == "__main__":
    run_check(find_faults)
