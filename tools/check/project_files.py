#!/usr/bin/env python3
"""The files of the project: what git tracks, and what it would track if it were added.

  tools/check/project_files.py [ENDING...]     lists those with one of the endings, or all
"""

import os
import subprocess
import sys

# Data: recorded from elsewhere or written by programs, and kept as it is.
DATA_FOLDERS = ("bench/results/", "docs/layouts/", "tests/data/", "tests/fuzz/corpus/",
                "tests/kernel/vectors/")


def project_root():
    return os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def project_files(root):
    """Paths relative to `root`, sorted. Without git: all files but those of build folders."""
    command = ["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        paths = [path for path in listed.split("\0") if path]
    except (OSError, subprocess.CalledProcessError):
        paths = []
        for folder, folders, names in os.walk(root):
            folders[:] = [name for name in folders if name not in ("build", ".git", ".cache")]
            paths += [os.path.relpath(os.path.join(folder, name), root) for name in names]
    # A file that was deleted is listed until the deletion is committed.
    return sorted(path for path in paths if os.path.isfile(os.path.join(root, path)))


def is_data(path):
    return path.startswith(DATA_FOLDERS)


def read_lines(root, path):
    with open(os.path.join(root, path), encoding="utf-8", errors="replace") as file:
        return file.read().split("\n")


def run_check(find_faults):
    """The main program of a check: prints its faults, and exits with 1 if there are any.

    `find_faults` takes the root of a tree and the paths of its files, and yields lines of text.
    """
    root = sys.argv[1] if len(sys.argv) > 1 else project_root()
    faults = list(find_faults(root, project_files(root)))
    for fault in faults:
        print(fault)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    endings = tuple(sys.argv[1:]) or ("",)
    for name in project_files(project_root()):
        if name.endswith(endings) and not is_data(name):
            print(name)
