#!/usr/bin/env python3
"""Checks that every relative link of the Markdown documents leads to a file and a heading.

  tools/check/links.py [ROOT]
"""

import os
import posixpath
import re
import urllib.parse

from project_files import is_data, read_lines, run_check

INLINE_CODE = re.compile(r"(`+)(.+?)\1")
LINK = re.compile(r"\]\(\s*<?([^)\s>]+)>?[^)]*\)|^\s*\[[^\]]+\]:\s+(\S+)|(?:src|href)=\"([^\"]+)\"")
HEADING = re.compile(r"#{1,6}\s+(.*?)\s*#*$")
FENCE = re.compile(r"\s*(```|~~~)")


def prose(lines):
    """Numbers and texts of the lines that are not in a fenced block of code."""
    inside = False
    for number, line in enumerate(lines, 1):
        if FENCE.match(line):
            inside = not inside
        elif not inside:
            yield number, line


def anchors(lines):
    """The anchors that GitHub gives the headings."""
    seen = {}
    for _, line in prose(lines):
        match = HEADING.match(line)
        if not match:
            continue
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", match.group(1)).lower()
        anchor = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
        repeated = seen.get(anchor, 0)
        seen[anchor] = repeated + 1
        yield anchor if repeated == 0 else f"{anchor}-{repeated}"


def find_faults(root, paths):
    for path in paths:
        if not path.endswith(".md") or is_data(path) and not path.endswith("README.md"):
            continue
        # Emphasis may run over lines, and so may the text of a link; its target does not.
        for number, line in prose(read_lines(root, path)):
            for match in LINK.finditer(INLINE_CODE.sub("code", line)):
                target = next(group for group in match.groups() if group)
                if re.match(r"[a-z][a-z0-9+.-]*:", target):
                    continue
                file, _, anchor = urllib.parse.unquote(target).partition("#")
                place = posixpath.normpath(posixpath.join(posixpath.dirname(path), file))
                place = place if file else path
                if not os.path.exists(os.path.join(root, place)):
                    yield f"{path}:{number}: there is no {place}"
                elif anchor and place.endswith(".md"):
                    if anchor not in anchors(read_lines(root, place)):
                        yield f"{path}:{number}: {place} has no heading for #{anchor}"


if __name__ == "__main__":
    run_check(find_faults)
