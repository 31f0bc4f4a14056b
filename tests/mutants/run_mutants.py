#!/usr/bin/env python3
"""Seeds one bug at a time into a copy of the library, and demands that its tests find it.

  tests/mutants/run_mutants.py [--list | --check] [NAME...]

NAME: part of the names of the mutations to run; all, if there is none. --list prints them. --check
only applies each to the tree as it is now. Works in build/mutants. Exits with 1 if a mutation
survives, does not fit the code or does not compile, or if a test fails without any.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools/check"))

from mutation import BadMutation, read_mutations  # noqa: E402
from project_files import is_data, project_files, project_root  # noqa: E402

ROOT = project_root()
WORK = os.path.join(ROOT, "build/mutants")
TREE = os.path.join(WORK, "tree")
BUILD = os.path.join(WORK, "build")
COPIED = ("CMakeLists.txt", "engine/", "include/", "bench/stress/", "tests/")
# A test takes seconds. What takes so long hangs, on however busy a machine.
HANGS_AFTER_S = 120
# A mutation that must hang is given less time: if the machine is slow, it is called red too early,
# which says nothing false about the tests.
MUST_HANG_S = 20


class Failure(Exception):
    pass


def copy_tree():
    """Makes TREE equal to the sources. Keeps what is equal, so that little is built again."""
    wanted = {path for path in project_files(ROOT)
              if path.startswith(COPIED) and not is_data(path)}
    for path in wanted:
        with open(os.path.join(ROOT, path), "rb") as file:
            text = file.read()
        copy = os.path.join(TREE, path)
        if os.path.isfile(copy):
            with open(copy, "rb") as file:
                if file.read() == text:
                    continue
        os.makedirs(os.path.dirname(copy), exist_ok=True)
        with open(copy, "wb") as file:
            file.write(text)
    for folder, _, names in os.walk(TREE):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.relpath(path, TREE) not in wanted:
                os.remove(path)


def run_quietly(command, what):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    if done.returncode != 0:
        raise Failure(f"{what}:\n{done.stdout[-6000:]}")


def configure():
    """No unity builds and no optimisation: a mutation is one small object and a link."""
    run_quietly(["cmake", "-S", TREE, "-B", BUILD, "-G", "Ninja", "-DCMAKE_CXX_COMPILER=g++",
                 "-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_CXX_FLAGS_DEBUG=-O0 -DNDEBUG -w",
                 "-DINLAY_BUILD_BENCH=OFF", "-DINLAY_BUILD_TOOLS=OFF"], "cmake fails")


def build(targets):
    run_quietly(["cmake", "--build", BUILD, "--target", *targets], "it does not compile")


def program_of(target):
    for folder in ("engine", "contract"):
        path = os.path.join(BUILD, "tests", folder, target)
        if os.path.isfile(path):
            return path
    raise Failure(f"there is no program {target} of tests/engine or tests/contract")


def tests_that_match(target, tests):
    listed = subprocess.run([program_of(target), "--gtest_list_tests", f"--gtest_filter={tests}"],
                            capture_output=True, text=True, check=True).stdout
    return sum(line.startswith("  ") for line in listed.splitlines())


def run_tests(target, tests, limit_s):
    """Returns the exit code, or None after the time limit, and what was printed."""
    environment = dict(os.environ, GTEST_SHUFFLE="0")
    program = subprocess.Popen(
        [program_of(target), "--gtest_brief=1", "--gtest_fail_fast=1", f"--gtest_filter={tests}"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment,
        errors="replace", start_new_session=True)
    try:
        printed, _ = program.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired:
        os.killpg(program.pid, signal.SIGKILL)
        printed, _ = program.communicate()
        return None, printed
    return program.returncode, printed


def check_unmutated(mutations):
    """Every named test exists and is green."""
    filters = {}
    for mutation in mutations:
        if tests_that_match(mutation.target, mutation.tests) == 0:
            raise Failure(f"{mutation.name}: no test of {mutation.target} is called "
                          f"{mutation.tests}")
        filters.setdefault(mutation.target, []).append(mutation.tests)
    for target, tests in sorted(filters.items()):
        code, printed = run_tests(target, ":".join(sorted(set(tests))), HANGS_AFTER_S)
        if code != 0:
            raise Failure(f"{target} without a mutation: exit code {code}\n{printed[-6000:]}")


def verdict_of(mutation):
    """Whether the mutated tree's tests find it, and in a few words how."""
    limit_s = MUST_HANG_S if mutation.hangs else HANGS_AFTER_S
    code, printed = run_tests(mutation.target, mutation.tests, limit_s)
    if code is None:
        return mutation.hangs, "hangs"
    if code == 0:
        return False, "SURVIVES"
    if code < 0:
        return True, f"red: {signal.Signals(-code).name}"
    failed = re.search(r"^\[  FAILED  \] ([^,\s]+)", printed, re.MULTILINE)
    return True, f"red: {failed[1] if failed else f'exit code {code}'}"


def write_source(mutation, text):
    with open(os.path.join(TREE, mutation.file), "w", encoding="utf-8") as file:
        file.write(text)


def run_mutation(mutation):
    begun = time.monotonic()
    original, mutated = mutation.texts(TREE)
    try:
        write_source(mutation, mutated)
        build([mutation.target])
        found, verdict = verdict_of(mutation)
    except Failure as failure:
        found, verdict = False, str(failure)
    finally:
        write_source(mutation, original)
    print(f"{mutation.name:52} {verdict} ({time.monotonic() - begun:.0f} s)", flush=True)
    return found


def chosen(names):
    mutations = read_mutations(os.path.dirname(os.path.abspath(__file__)))
    if names:
        mutations = [each for each in mutations if any(name in each.name for name in names)]
    if not mutations:
        raise Failure(f"no mutation is called {', '.join(names)}")
    return mutations


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--list", action="store_true", help="print the mutations")
    parser.add_argument("--check", action="store_true", help="only apply each")
    parser.add_argument("names", nargs="*", metavar="NAME")
    arguments = parser.parse_args()
    begun = time.monotonic()
    try:
        mutations = chosen(arguments.names)
        if arguments.list:
            for mutation in mutations:
                print(f"{mutation.name}: {mutation.breaks}")
            return 0
        for mutation in mutations:  # all first: one that does not fit the code is found at once
            mutation.texts(ROOT)
        if arguments.check:
            print(f"{len(mutations)} mutations fit the code")
            return 0
        copy_tree()
        configure()
        build(sorted({mutation.target for mutation in mutations}))
        check_unmutated(mutations)
        print(f"green without a mutation ({time.monotonic() - begun:.0f} s)", flush=True)
        survivors = [each.name for each in mutations if not run_mutation(each)]
    except (BadMutation, Failure) as failure:
        print(f"mutants: {failure}", file=sys.stderr)
        return 1
    print(f"{len(mutations) - len(survivors)} of {len(mutations)} mutations found in "
          f"{time.monotonic() - begun:.0f} s")
    if survivors:
        print("not found: " + ", ".join(survivors))
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
