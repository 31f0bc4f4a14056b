#!/usr/bin/env python3
"""Checks which file may include which.

  tools/check/includes.py [ROOT]

The top-level folders: include <- engine <- bench and tools <- tests. Bench and tools do not see
each other, and nothing but tests sees tests. Within what it sees, a file includes files of its own
room and of rooms that rooms.txt lists above it. A room is a folder; rooms.txt lists every folder
that has code. A CMake file names source folders by the same rule.
"""

import math
import os
import posixpath
import re

from project_files import is_data, read_lines, run_check

SEES = {
    "include": {"include"},
    "engine": {"include", "engine"},
    "bench": {"include", "engine", "bench"},
    "tools": {"include", "engine", "tools"},
    "tests": {"include", "engine", "bench", "tools", "tests"},
}
ROOMS = "tools/check/rooms.txt"
CODE_ENDINGS = (".cc", ".h", ".c")
INCLUDE = re.compile(r'\s*#\s*include\s+(["<])([^">]+)[">]')
CMAKE_PATH = re.compile(r"\$\{PROJECT_SOURCE_DIR\}/(\w+)")


def top_of(path):
    return path.split("/")[0]


def read_rooms(root, faults):
    """The place of each room in the list."""
    places = {}
    if not os.path.isfile(os.path.join(root, ROOMS)):
        faults.append(f"{ROOMS}: is not there")
        return places
    for number, line in enumerate(read_lines(root, ROOMS), 1):
        room = line.split("#")[0].strip()
        if not room:
            continue
        if room in places:
            faults.append(f"{ROOMS}:{number}: {room} is listed twice")
        if top_of(room) not in SEES:
            faults.append(f"{ROOMS}:{number}: {room} is in no folder of code")
        places.setdefault(room, number)
    return places


def resolve(includer, quote, name, files):
    """The path of a project's file, None for a system's header, "" if there is no such file."""
    beside = posixpath.normpath(posixpath.join(posixpath.dirname(includer), name))
    for path in (name, "include/" + name, beside if quote == '"' else ""):
        if path in files:
            return path
    ours = name.startswith("inlay/") or top_of(name) in SEES
    return "" if ours else None


def include_faults(root, path, files, places):
    room = posixpath.dirname(path)
    for number, line in enumerate(read_lines(root, path), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        included = resolve(path, *match.groups(), files)
        if included is None:
            continue
        where = f"{path}:{number}: "
        if included == "":
            # What the build makes is known by its own folder's CMake file.
            if not is_made_by_build(root, match.group(2)):
                yield f"{where}there is no {match.group(2)}"
            continue
        if top_of(included) not in SEES[top_of(path)]:
            yield f"{where}{top_of(path)} must not include {included}"
            continue
        other = posixpath.dirname(included)
        if other != room and places.get(other, 0) > places.get(room, math.inf):
            yield f"{where}{room} is below {other} in {ROOMS} and must not include {included}"


def is_made_by_build(root, name):
    folder = posixpath.dirname(name)
    while folder:
        lists = os.path.join(root, folder, "CMakeLists.txt")
        if os.path.isfile(lists):
            with open(lists, encoding="utf-8") as file:
                if name in file.read():
                    return True
        folder = posixpath.dirname(folder)
    return False


def cmake_faults(root, path):
    for number, line in enumerate(read_lines(root, path), 1):
        for named in CMAKE_PATH.findall(line.split("#")[0]):
            if named in SEES and named not in SEES[top_of(path)]:
                yield f"{path}:{number}: {top_of(path)} must not build from {named}"


def find_faults(root, paths):
    faults = []
    places = read_rooms(root, faults)
    files = set(paths)
    code = [path for path in paths
            if path.endswith(CODE_ENDINGS) and top_of(path) in SEES and not is_data(path)]
    folders = {posixpath.dirname(path) for path in code}
    faults += [f"{ROOMS}: {folder} has code and is not listed"
               for folder in sorted(folders - set(places))]
    faults += [f"{ROOMS}:{places[room]}: {room} has no code"
               for room in places if room not in folders]
    for path in code:
        faults += include_faults(root, path, files, places)
    for path in paths:
        if path.endswith(("CMakeLists.txt", ".cmake")) and top_of(path) in SEES:
            faults += cmake_faults(root, path)
    return faults


if __name__ == "__main__":
    run_check(find_faults)
