#!/usr/bin/env python3
"""tools/fleet_dask.py on a scheduler and two workers: the summary is that of one process, byte for
byte, also if a worker is killed.

  tests/tools/fleet_dask_test.py INLAY FLEET_DASK DATA_FOLDER

Exits with 77 if there is no Dask. Every process is on 127.0.0.1, with ports that the system picks,
and ends with this one.
"""

import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

FOLDER = tempfile.TemporaryDirectory(prefix="fleet_dask_test.")
# Dask looks for its settings here, and not in the home of who runs the test.
os.environ.update(HOME=FOLDER.name, DASK_CONFIG=FOLDER.name, TMPDIR=FOLDER.name)
tempfile.tempdir = FOLDER.name

try:
    from distributed import Client
except ImportError:
    print("skipped: no module distributed (Debian: python3-distributed)")
    sys.exit(77)
if not shutil.which("setpriv"):
    print("skipped: no command setpriv (Debian: util-linux)")
    sys.exit(77)

INLAY, FLEET_DASK, DATA = map(os.path.abspath, sys.argv[1:])
PARTS = 12
# Ends what hangs. Less than the timeout of ctest, which would leave the folder.
MOST_SECONDS = 550

# Stands for `inlay` on the workers. It keeps a list of the steps; the first worker that begins its
# NUMBERth step of a kind says so, and is kept in it until it dies.
STEPS = """#!{python}
import os, select, sys
worker, kind = os.getppid(), sys.argv[1]
list = os.open("{folder}/steps", os.O_CREAT | os.O_RDWR | os.O_APPEND)
os.write(list, f"{{worker}} {{kind}} {{os.path.basename(sys.argv[-1])}}\\n".encode())
with open("{folder}/steps") as steps:
    number = sum(line.startswith(f"{{worker}} {{kind}} ") for line in steps)
if (kind, number) == {stop_at}:
    try:
        os.mkdir("{folder}/stopped")
    except FileExistsError:
        pass
    else:
        alive = os.pidfd_open(worker)
        with open("{folder}/signal", "w") as signal:
            signal.write(f"{{worker}} {{os.getpid()}} {{os.path.basename(sys.argv[-1])}}")
        select.select([alive], [], [])
        sys.exit("the worker of this step is dead")
os.execv("{inlay}", ["{inlay}", *sys.argv[1:]])
"""


def lines_as_parts(content):
    lines = content.splitlines(keepends=True)
    return [b"".join(lines[len(lines) * i // PARTS:len(lines) * (i + 1) // PARTS])
            for i in range(PARTS)]


def records_as_parts(content, size):
    cuts = [len(content) // size * i // PARTS * size for i in range(PARTS + 1)]
    return [content[begin:end] for begin, end in zip(cuts, cuts[1:])]


def processes_naming(text):
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                command = file.read()
        except OSError:
            continue
        if text.encode() in command and int(pid) != os.getpid():
            found.append(int(pid))
    return found


class FleetDaskTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        self.addCleanup(self.assert_nothing_runs)
        self.out = self.path("out")
        os.mkdir(self.out)

    def assert_nothing_runs(self):
        for pid in processes_naming(self.folder):
            try:
                ended = os.pidfd_open(pid)
            except ProcessLookupError:
                continue
            # The children of a worker that was killed with them may be about to end.
            ready, _, _ = select.select([ended], [], [], 60)
            os.close(ended)
            self.assertTrue(ready, f"process {pid} is left behind")

    def path(self, name):
        return os.path.join(self.folder, name)

    def start(self, name, *command, **options):
        """A process that is killed with its children when the test is over, however it ends."""
        with open(self.path(f"{name}.log"), "wb") as log:
            process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *command],
                                       stdin=subprocess.DEVNULL, start_new_session=True,
                                       **{"stdout": log, "stderr": log, **options})

        def end():
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.communicate()
        self.addCleanup(end)
        return process

    def start_cluster(self, **scheduler_options):
        file = self.path("scheduler.json")
        common = ["--scheduler-file", file, "--host", "127.0.0.1",
                  "--no-dashboard", "--dashboard-address", "127.0.0.1:0"]
        dask = [sys.executable, "-m", "dask"]
        self.scheduler = self.start("scheduler", *dask, "scheduler", "--port", "0", *common,
                                    **scheduler_options)
        # Without nannies, which would start other workers in place of those that are killed.
        # A worker that fetches a part from a dead one tries for so long; from one that is only slow
        # it tries again after that, or the part is made again.
        patience = {**os.environ, "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "10s"}
        self.workers = [self.start(name, *dask, "worker", "--no-nanny", "--nthreads", "1",
                                   "--local-directory", self.path(name), *common, env=patience)
                        for name in ("worker0", "worker1")]
        with Client(scheduler_file=file, set_as_default=False) as client:
            self.address = client.scheduler.address
            client.wait_for_workers(len(self.workers))

    def write_parts(self, parts):
        paths = []
        for index, part in enumerate(parts):
            paths.append(self.path(f"part{index:02}"))
            with open(paths[-1], "wb") as file:
                file.write(part)
        return paths

    def syn_parts(self):
        with open(f"{DATA}/syn_options/syn.tsv", "rb") as file:
            return self.write_parts(lines_as_parts(file.read()))

    def inlay(self, *arguments):
        return subprocess.run([INLAY, *arguments], check=True, capture_output=True).stdout

    def start_fleet(self, *arguments, inlay=INLAY, **options):
        return self.start("fleet", sys.executable, FLEET_DASK, self.address, "--inlay", inlay,
                          *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)

    def fleet(self, *arguments, **options):
        process = self.start_fleet(*arguments, **options)
        out, err = process.communicate()
        return process.returncode, out, err.decode()

    def assert_written(self, expected):
        """The summary is `expected`, and the only file of its folder."""
        self.assertEqual(os.listdir(self.out), ["summary"])
        with open(self.path("out/summary"), "rb") as file:
            self.assertTrue(file.read() == expected, "another summary")

    def test_the_summary_is_that_of_one_process(self):
        self.start_cluster()
        with open(f"{DATA}/tcp_info/snapshots.tcp_info.bin", "rb") as file:
            snapshots = file.read()
        with open(f"{DATA}/syn_options/syn.tsv", "rb") as file:
            syn = file.read()
        for whole, parts, options in (
                (syn, lines_as_parts(syn), ["--format", "tsv"]),
                (syn, lines_as_parts(syn), ["--format", "tsv", "--columns", "5-9"]),
                (snapshots, records_as_parts(snapshots, 224), ["--value-bytes", "224"]),
        ):
            self.assertEqual(b"".join(parts), whole)
            with open(self.path("whole"), "wb") as file:
                file.write(whole)
            paths = self.write_parts(parts)
            count = ["analyze", "--summary", "-", *options]
            expected = self.inlay(*count, self.path("whole"))
            self.assertEqual(self.inlay(*count, *paths), expected)
            for fan_in in ("2", "3", "16"):
                with self.subTest(options=options, fan_in=fan_in):
                    code, _, err = self.fleet("-o", self.path("out/summary"), "--fan-in", fan_in,
                                              *paths, "--", *options)
                    self.assertEqual(code, 0, err)
                    self.assert_written(expected)

    def test_files_are_those_of_the_working_directory_and_count_as_often_as_named(self):
        self.start_cluster()
        names = [os.path.basename(path) for path in self.syn_parts()]
        names += names[:2]
        expected = self.inlay("analyze", "--summary", "-", "--format", "tsv",
                              *map(self.path, names))
        one = self.inlay("analyze", "--summary", "-", "--format", "tsv", self.path(names[0]))
        for arguments, summary in ((names, expected), (names[:1], one)):
            code, out, err = self.fleet("-o", "-", *arguments, "--", "--format", "tsv",
                                        cwd=self.folder)
            self.assertEqual(code, 0, err)
            self.assertTrue(out == summary, "another summary")

    def test_what_is_sampled_keeps_to_the_budget_when_it_is_added(self):
        self.start_cluster()
        size = 800_000
        paths = self.write_parts(records_as_parts(
            b"".join(b"%016d" % (i * 7919) for i in range(size)), 16))
        options = ["--value-bytes", "16", "--memory", "16M", "--threads", "1"]
        code, _, err = self.fleet("-o", self.path("out/summary"), "--fan-in", "3", *paths,
                                  "--", *options)
        self.assertEqual(code, 0, err)
        self.assertIn(b'"exact": false', self.inlay("analyze", "--json",
                                                    self.path("out/summary")))

    def stop_in_step(self, kind, number, *arguments):
        """A run that is inside a step. The run, the pids of the worker and of its step, and its
        file."""
        stand_in = self.path("steps_of_inlay")
        with open(stand_in, "w", encoding="utf-8") as file:
            file.write(STEPS.format(python=sys.executable, folder=self.folder, inlay=INLAY,
                                    stop_at=(kind, number)))
        os.chmod(stand_in, 0o755)
        os.mkfifo(self.path("signal"))
        process = self.start_fleet("-o", self.path("out/summary"), *arguments, inlay=stand_in)
        fifo = os.open(self.path("signal"), os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, fifo)
        ended = os.pidfd_open(process.pid)
        self.addCleanup(os.close, ended)
        ready, _, _ = select.select([fifo, ended], [], [])
        if fifo not in ready:
            self.fail(f"no step signalled: {process.communicate()}")
        worker, step, name = os.read(fifo, 4096).decode().split()
        return process, int(worker), int(step), name

    def steps(self):
        with open(self.path("steps"), encoding="utf-8") as file:
            return [(int(worker), kind, name) for worker, kind, name in map(str.split, file)]

    def run_with_a_killed_worker(self, kind, number, fan_in):
        """The steps of the worker that was killed and of the other, and the file that the former
        was killed in."""
        self.start_cluster()
        paths = self.syn_parts()
        expected = self.inlay("analyze", "--summary", "-", "--format", "tsv", *paths)
        run, worker, step, name = self.stop_in_step(kind, number, "--fan-in", fan_in, *paths,
                                                    "--", "--format", "tsv")
        step = os.pidfd_open(step)
        self.addCleanup(os.close, step)
        victim, = (process for process in self.workers if process.pid == worker)
        victim.kill()
        self.assertEqual(victim.wait(), -signal.SIGKILL)
        select.select([step], [], [])
        _, err = run.communicate()
        self.assertEqual(run.returncode, 0, err)
        self.assert_written(expected)
        other, = (process for process in self.workers if process.pid != worker)
        self.assertIsNone(other.poll())
        steps = self.steps()
        self.assertEqual({pid for pid, _, _ in steps}, {victim.pid, other.pid})
        return ([step[1:] for step in steps if step[0] == victim.pid],
                [step[1:] for step in steps if step[0] == other.pid], name)

    def test_a_worker_is_killed_and_what_it_had_counted_is_counted_again(self):
        # Nothing is added before all files are counted, so the dead worker takes its parts along.
        lost, done, name = self.run_with_a_killed_worker("analyze", 3, fan_in=str(PARTS))
        self.assertEqual(len(lost), 3)
        self.assertEqual(lost[-1], ("analyze", name))
        self.assertEqual({name for kind, name in done if kind == "analyze"},
                         {f"part{index:02}" for index in range(PARTS)})

    def test_a_worker_is_killed_while_parts_are_added(self):
        lost, done, name = self.run_with_a_killed_worker("analyze", 3, fan_in="2")
        self.assertIn(("analyze", name), lost)
        self.assertIn(("analyze", name), done)

    def test_a_worker_is_killed_in_a_merge(self):
        lost, done, _ = self.run_with_a_killed_worker("merge", 1, fan_in="3")
        self.assertEqual([kind for kind, _ in lost].count("merge"), 1)
        self.assertIn("merge", [kind for kind, _ in done])

    def test_the_scheduler_is_killed(self):
        self.start_cluster()
        run, *_ = self.stop_in_step("analyze", 2, *self.syn_parts(), "--", "--format", "tsv")
        self.scheduler.kill()
        _, err = run.communicate()
        self.assertEqual(run.returncode, 2)
        self.assertIn(b"fleet_dask: the scheduler is gone\n", err)
        self.assertEqual(os.listdir(self.out), [])

    def assert_fails(self, message, *arguments, **options):
        code, out, err = self.fleet("-o", self.path("out/summary"), *arguments, **options)
        self.assertEqual((code, out), (2, b""), err)
        self.assertIn(message, err)
        self.assertNotIn("Traceback", err)
        self.assertEqual(os.listdir(self.out), [])

    def test_an_error_names_the_file(self):
        self.start_cluster()
        paths = self.syn_parts()
        options = ["--", "--format", "tsv"]
        self.assert_fails(f"{self.path('no_part')}: cannot open: No such file or directory",
                          *paths, self.path("no_part"), *options)
        odd = self.path("odd")
        with open(odd, "wb") as file:
            file.write(b"1\t2\n3\n")
        self.assert_fails(f"{odd}:2: 1 column where the first row has 2", *paths, odd, *options)
        with open(odd, "wb") as file:
            file.write(b"1\t2\n")
        # Which of two that do not fit is the odd one depends on which is counted first.
        for fan_in in ("2", "16"):
            self.assert_fails(f"{odd}", *paths, odd, "--fan-in", fan_in, *options)
        self.assert_fails(f"{odd}: inlay analyze: there is no option '--no-such'",
                          odd, "--", "--no-such")
        self.assert_fails(f"{odd}: cannot run no_inlay: No such file or directory",
                          odd, inlay="no_inlay")
        killed = self.path("killed")
        with open(killed, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\nkill -9 $$\n")
        os.chmod(killed, 0o755)
        self.assert_fails(f"{odd}: {killed} died of signal 9", odd, inlay=killed)

    def test_a_file_that_kills_its_worker_is_named(self):
        self.start_cluster(env={**os.environ, "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"})
        killing = self.path("killing")
        with open(killing, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\nkill -9 $PPID\n")
        os.chmod(killing, 0o755)
        self.assert_fails(f"{self.path('part')}: KilledWorker: ", self.path("part"), inlay=killing)

    def test_wrong_usage(self):
        self.address = "127.0.0.1:0"
        self.assert_fails("the following arguments are required: FILE")
        self.assert_fails("argument --fan-in: invalid", "a", "--fan-in", "1")
        self.assert_fails("cannot write to /no_such_folder", "a", "-o", "/no_such_folder/a")
        impatient = {**os.environ, "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "100ms"}
        self.address = "tcp://127.0.0.1:1"
        self.assert_fails("tcp://127.0.0.1:1: no scheduler answers: ", "a", env=impatient)


def end(number, _):
    sys.exit(f"fleet_dask_test: ended by {signal.Signals(number).name}")


if __name__ == "__main__":
    for ending in (signal.SIGTERM, signal.SIGALRM):
        signal.signal(ending, end)
    signal.alarm(MOST_SECONDS)
    # Debian's tornado uses what its asyncio warns of. And a signal ends one test and its processes;
    # no other must begin.
    unittest.main(argv=sys.argv[:1], warnings="ignore", failfast=True)
