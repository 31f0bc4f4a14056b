#!/usr/bin/env python3
"""Counts files on a Dask cluster: a summary of each on some worker, added up in a tree of merges.

  tools/fleet_dask.py SCHEDULER -o SUMMARY FILE... [-- OPTION-OF-INLAY-ANALYZE...]

Workers open the files under the same paths, and have `inlay`. The result is the summary that one
`inlay analyze --summary` of all files writes, byte for byte. Exits with 0, or with 2 if a file
cannot be counted, and then writes nothing. Manual: docs/fleet.md.
"""

import argparse
from concurrent.futures import CancelledError
import os
import socket
import stat
import subprocess
import sys

try:
    from distributed import Client, as_completed
except ImportError:
    sys.exit("fleet_dask: no module distributed (Debian: python3-distributed)")

EXIT_BAD = 2


def run(command, about, **options):
    """What the command prints. Workers run this, and Dask carries what it raises to the client."""
    where = f"(on {socket.gethostname()})"
    try:
        made = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, capture_output=True,
                              **options)
    except OSError as error:
        raise RuntimeError(f"{about}: cannot run {command[0]}: {error.strerror} {where}") from None
    if made.returncode < 0:
        raise RuntimeError(f"{about}: {command[0]} died of signal {-made.returncode} {where}")
    return made.returncode, made.stdout, made.stderr.decode(errors="replace").strip(), where


def analyze(path, inlay, options):
    """The map step: a part, which is the name of its first file, how many more, and a summary."""
    code, summary, complaint, where = run([inlay, "analyze", "--summary", "-", *options, path],
                                          path)
    if code != 0:
        about = "" if path in complaint else f"{path}: "
        raise RuntimeError(f"{about}{complaint} {where}")
    return path, 0, summary


def merge(parts, inlay, options):
    """The reduce step: some parts as one."""
    names = [path if more == 0 else f"{path} and {more} more" for path, more, _ in parts]
    # A file in memory for each part: the message of a merge names the file that does not fit, and
    # nothing is left on the disk of a worker that is killed.
    files = []
    try:
        for _, _, summary in parts:
            files.append(os.fdopen(os.memfd_create("summary"), "wb"))
            files[-1].write(summary)
            files[-1].flush()
        paths = [f"/proc/self/fd/{file.fileno()}" for file in files]
        code, summary, complaint, where = run([inlay, "merge", *options, *paths], names[0],
                                              pass_fds=[file.fileno() for file in files])
    finally:
        for file in files:
            file.close()
    if code != 0:
        for path, name in zip(paths, names):
            complaint = complaint.replace(f"{path}:", f"{name}:")
        raise RuntimeError(f"{complaint}; the first of them: {names[0]} {where}")
    return parts[0][0], sum(more + 1 for _, more, _ in parts) - 1, summary


def memory_options(options):
    """What of the options of `inlay analyze` is for `inlay merge` as well."""
    for index, option in enumerate(options):
        if option == "--memory":
            return options[index:index + 2]
        if option.startswith("--memory="):
            return [option]
    return []


def count(client, paths, options, inlay, fan_in):
    """The summary of all files. Parts are added as they come: the sum depends on no order."""
    futures = client.map(analyze, paths, inlay=inlay, options=options, pure=False)
    names = {future.key: path for future, path in zip(futures, paths)}
    completed = as_completed(futures, loop=client.loop)
    del futures  # a worker keeps a part only as long as somebody has its future
    ready = []
    while True:
        for future in completed:
            # It may also be lost with its worker by now: then Dask makes it again for the merge.
            if future.status in ("error", "cancelled"):
                raise failure(future.exception(), names[future.key])
            ready.append(future)
            if len(ready) == fan_in:
                break
        if len(ready) == 1 and completed.is_empty():
            break
        # Before the files that still wait, or all their parts would have to be kept at once.
        merged = client.submit(merge, ready, inlay=inlay, options=memory_options(options),
                               pure=False, priority=1)
        names[merged.key] = f"the sum of {len(ready)} parts"
        ready = []
        completed.add(merged)
        del future, merged
    try:
        return ready[0].result()[2]
    except Exception as error:  # its worker is lost, and the work cannot be done again
        raise failure(error, names[ready[0].key]) from None


def failure(error, name):
    """What to say of a step. Errors of Dask, as of lost workers, do not name the file."""
    if error is None or isinstance(error, CancelledError):
        return RuntimeError("the scheduler is gone")
    if isinstance(error, RuntimeError):
        return error
    return RuntimeError(f"{name}: {type(error).__name__}: {error}")


def write(path, content):
    if path == "-":
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    path = os.path.realpath(path)
    if os.path.exists(path) and not stat.S_ISREG(os.stat(path).st_mode):
        with open(path, "wb") as file:
            file.write(content)
        return
    partial = f"{path}.{os.getpid()}.partial"  # whole or not at all
    try:
        with open(partial, "xb") as file:
            file.write(content)
        os.replace(partial, path)
    finally:
        if os.path.exists(partial):
            os.remove(partial)


def several(text):
    number = int(text)
    if number < 2:
        raise ValueError
    return number


def read_arguments(arguments):
    cut = arguments.index("--") if "--" in arguments else len(arguments)
    parser = argparse.ArgumentParser(
        prog="fleet_dask", description=__doc__.split("\n", maxsplit=1)[0],
        usage="%(prog)s [-h] [--inlay COMMAND] [--fan-in N] SCHEDULER -o SUMMARY FILE... "
              "[-- OPTION...]",
        epilog="What comes after -- goes to every 'inlay analyze', as in: -- --format tsv "
               "--columns 5-9. Exit codes: 0 success, 2 bad input or usage.")
    parser.add_argument("scheduler", metavar="SCHEDULER",
                        help="the address of the scheduler, as in tcp://10.0.0.1:8786")
    parser.add_argument("files", metavar="FILE", nargs="+", help="a partition, as workers see it")
    parser.add_argument("-o", "--output", metavar="SUMMARY", required=True,
                        help="where to write the summary; '-' is standard output")
    parser.add_argument("--inlay", metavar="COMMAND", default="inlay",
                        help="the command on the workers (default: %(default)s)")
    parser.add_argument("--fan-in", metavar="N", type=several, default=16,
                        help="how many summaries to add at once (default: %(default)s)")
    parsed = parser.parse_intermixed_args(arguments[:cut])
    folder = os.path.dirname(os.path.realpath(parsed.output))
    if parsed.output != "-" and not os.access(folder, os.W_OK):
        parser.error(f"{parsed.output}: cannot write to {folder}")
    return parsed, arguments[cut + 1:]


def main():
    parsed, options = read_arguments(sys.argv[1:])
    try:
        client = Client(parsed.scheduler)
    except (OSError, ValueError) as error:
        raise RuntimeError(f"{parsed.scheduler}: no scheduler answers: {error}") from None
    with client:
        if not client.scheduler_info()["workers"]:
            print(f"fleet_dask: {parsed.scheduler} has no workers yet: waiting", file=sys.stderr)
        # Workers have working directories of their own.
        paths = [os.path.abspath(path) for path in parsed.files]
        summary = count(client, paths, options, parsed.inlay, parsed.fan_in)
    write(parsed.output, summary)


if __name__ == "__main__":
    try:
        main()
    except (RuntimeError, OSError) as failure:
        print(f"fleet_dask: {failure}", file=sys.stderr)
        sys.exit(EXIT_BAD)
    except KeyboardInterrupt:
        sys.exit(130)
