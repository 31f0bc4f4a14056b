"""Mutation: one seeded bug, read from a .mutant file. README.md shows the format."""

import dataclasses
import os
import re

FIELDS = ("file", "breaks", "target", "tests", "hangs")
BODY = re.compile(r"\A(?P<head>.*?)^<<<<\n(?P<old>.*?)^====\n(?P<new>.*?)^>>>>\n\Z",
                  re.DOTALL | re.MULTILINE)


class BadMutation(Exception):
    """A file that cannot be applied to the tree as it is now."""


@dataclasses.dataclass
class Mutation:
    name: str
    file: str
    breaks: str
    target: str
    tests: str  # a filter of GoogleTest
    hangs: bool
    old: str
    new: str

    def texts(self, root):
        """The text of the file below `root`, and what the mutation makes of it."""
        path = os.path.join(root, self.file)
        if not os.path.isfile(path):
            raise BadMutation(f"{self.name}: there is no {self.file}")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        count = text.count(self.old)
        if count != 1:
            raise BadMutation(f"{self.name}: its old text occurs {count} times in {self.file}, "
                              "and must occur once: the code has changed")
        return text, text.replace(self.old, self.new)


def read_mutation(path, name):
    with open(path, encoding="utf-8") as file:
        parts = BODY.match(file.read())
    if parts is None:
        raise BadMutation(f"{name}: it has no <<<<, ==== and >>>> lines in this order")
    fields = {}
    for line in parts["head"].splitlines():
        key, _, value = line.partition(": ")
        if key not in FIELDS or key in fields or not value:
            raise BadMutation(f"{name}: '{line}' is not one of {', '.join(FIELDS)}, once each")
        fields[key] = value.strip()
    missing = [key for key in FIELDS[:4] if key not in fields]
    if missing or fields.get("hangs", "yes") != "yes":
        raise BadMutation(f"{name}: {missing[0] + ' is missing' if missing else 'hangs: yes'}")
    if not parts["old"] or parts["old"] == parts["new"]:
        raise BadMutation(f"{name}: it changes nothing")
    return Mutation(name=name, hangs=fields.pop("hangs", "") == "yes", old=parts["old"],
                    new=parts["new"], **fields)


def read_mutations(folder):
    """All mutations below `folder`, those of one source file together."""
    found = []
    for room, folders, files in os.walk(folder):
        folders.sort()
        for file in sorted(files):
            if file.endswith(".mutant"):
                path = os.path.join(room, file)
                found.append(read_mutation(path, os.path.relpath(path, folder)[:-len(".mutant")]))
    return sorted(found, key=lambda mutation: (mutation.file, mutation.name))
