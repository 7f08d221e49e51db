#!/usr/bin/python3
"""The real muster-engine with small sizes: sane answers, clear refusals, nothing left behind.

test_engine.py ENGINE OLD_FILESYSTEM_LIBRARY
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

ENGINE, OLD_FILESYSTEM = sys.argv[1:3]
THREADS = len(os.sched_getaffinity(0))
CPUS = sorted(os.sched_getaffinity(0))
MIB = 1 << 20


def run(test, request, env=None):
    text = request if isinstance(request, str) else json.dumps(request)
    return subprocess.run([ENGINE, test], input=text.encode(), capture_output=True, timeout=20,
                          env={**os.environ, **(env or {})})


def lines(done):
    return [json.loads(line) for line in done.stdout.decode().splitlines()]


class Engine(unittest.TestCase):
    def answer(self, test, env=None, **request):
        done = run(test, {"threads": THREADS, "cpus": CPUS, "seconds": 0.05, **request}, env)
        self.assertEqual((done.returncode, done.stderr.decode()), (0, ""))
        rates, notes = {}, []
        for line in lines(done):
            if list(line) == ["note"]:
                notes.append(line["note"])
                continue
            self.assertEqual(list(line), ["work", "threads", "low", "likely", "high", "runs", "source",
                                          "conditions"])
            self.assertGreater(line["low"], 0)
            self.assertLessEqual(line["low"], line["likely"])
            self.assertLessEqual(line["likely"], line["high"])
            self.assertGreaterEqual(line["runs"], 3)
            self.assertRegex(line["conditions"], r"^(idle|busy: .+)")
            self.assertNotIn((line["work"], line["threads"]), rates)
            rates[line["work"], line["threads"]] = line
        return rates, notes

    def test_memory(self):
        rates, notes = self.answer("memory", bytes=32 * MIB, cache_bytes=4 * MIB)
        self.assertEqual(notes, [])
        for work in "memory read", "memory copy", "memory triad":
            one, all_of_them = rates[work, 1], rates[work, THREADS]
            # Sanity of the unit, not of the speed: a byte a microsecond and a petabyte a second are both wrong.
            self.assertGreater(one["likely"], 1e6)
            self.assertLess(one["likely"], 1e15)
            self.assertLess(one["low"], all_of_them["high"] * 1.5)
        self.assertEqual(len(rates), 3 * len({1, THREADS}))

    def test_memory_small_beside_the_cache_is_said(self):
        rates, _ = self.answer("memory", threads=1, bytes=16 * MIB, cache_bytes=16 * MIB)
        for rate in rates.values():
            self.assertIn("working set 16.0 MiB is 1.0 x the last-level cache of 16.0 MiB", rate["conditions"])
        rates, _ = self.answer("memory", threads=1, bytes=16 * MIB)
        for rate in rates.values():
            self.assertIn("last-level cache not known", rate["conditions"])

    def test_memory_on_two_nodes_touches_afresh(self):
        rates, _ = self.answer("memory", bytes=16 * MIB, cache_bytes=MIB, nodes=2)
        self.assertEqual(len(rates), 3 * len({1, THREADS}))

    def test_more_threads_than_cpus(self):
        rates, _ = self.answer("memory", threads=THREADS + 3, bytes=16 * MIB, cache_bytes=MIB)
        self.assertIn(("memory read", THREADS + 3), rates)

    def test_memory_too_small(self):
        done = run("memory", {"threads": 2, "bytes": 1000})
        self.assertEqual((done.returncode, done.stdout), (69, b""))
        self.assertIn("need at least 393216 bytes", done.stderr.decode())

    def test_other_work_is_said(self):
        spinner = "import os\nwhile os.getppid() == %d: pass" % os.getpid()
        others = [subprocess.Popen([sys.executable, "-c", spinner]) for _ in range(2 * THREADS)]
        try:
            time.sleep(0.1)
            rates, _ = self.answer("memory", bytes=16 * MIB, cache_bytes=MIB, seconds=0.3)
        finally:
            for other in others:
                other.kill()
                other.wait()
        self.assertRegex(rates["memory read", THREADS]["conditions"], r"^busy: \d+\.\d runnable")

    def test_gemm(self):
        rates, notes = self.answer("gemm", bytes=64 * MIB)
        self.assertEqual(notes, [])
        self.assertEqual({work for work, _ in rates}, {"dgemm", "sgemm"})
        for rate in rates.values():
            self.assertGreater(rate["likely"], 1e6)
            self.assertIn("what numpy's BLAS reaches", rate["source"])

    def test_gemm_too_small(self):
        done = run("gemm", {"bytes": 1000})
        self.assertEqual(done.returncode, 69)
        self.assertIn("three matrices of 256 x 256", done.stderr.decode())

    def test_guide(self):
        rates, _ = self.answer("guide")
        (rate,) = rates.values()
        self.assertEqual(rate["work"], "guide's matrix rounds")
        self.assertIn("3 of the guide's 100 rounds", rate["source"])

    def in_folder(self, **more):
        folder = tempfile.mkdtemp(dir=os.path.dirname(ENGINE))
        try:
            rates, notes = self.answer("disk", folder=folder, bytes=16 * MIB, **more)
            self.assertEqual(os.listdir(folder), [])
        finally:
            shutil.rmtree(folder)
        if any("is in memory (tmpfs)" in note or "at most" in note for note in notes):
            self.assertEqual(rates, {})
            return None, notes
        self.assertEqual(set(rates), {("disk read", 1), ("page cache read", 1)})
        return rates, notes

    def test_disk(self):
        self.in_folder()

    def test_disk_without_direct_reads_or_nameless_files(self):
        rates, notes = self.in_folder(env={"LD_PRELOAD": OLD_FILESYSTEM,
                                           "ASAN_OPTIONS": "verify_asan_link_order=0"})
        if rates:
            self.assertEqual(len(notes), 1)
            self.assertRegex(notes[0], "^disk read: using a dropped page cache: .* no direct input and output$")
            self.assertTrue(rates["disk read", 1]["source"].endswith("cache dropped"))

    def test_disk_in_memory(self):
        if subprocess.run(["stat", "-f", "-c", "%T", "/dev/shm"], capture_output=True).stdout != b"tmpfs\n":
            return
        rates, notes = self.answer("disk", folder="/dev/shm", bytes=16 * MIB)
        self.assertEqual((rates, notes),
                         ({}, ["disk not measured: /dev/shm is in memory (tmpfs), not on a disk"]))

    def test_disk_folders_that_take_no_file(self):
        for folder, why in (("/nowhere/at all", "No such file or directory"), (ENGINE, "Not a directory")):
            rates, notes = self.answer("disk", folder=folder, bytes=16 * MIB)
            self.assertEqual((rates, notes), ({}, [f"disk not measured: no file can be made in {folder}: {why}"]))

    def test_disk_file_too_small(self):
        rates, notes = self.answer("disk", folder=os.path.dirname(ENGINE), bytes=MIB)
        self.assertEqual(rates, {})
        self.assertEqual(len(notes), 1)
        self.assertTrue("1 % of it at most" in notes[0] or "tmpfs" in notes[0], notes)

    def test_disk_leaves_nothing_when_killed(self):
        for number in signal.SIGTERM, signal.SIGKILL, signal.SIGINT:
            for env in {}, {"LD_PRELOAD": OLD_FILESYSTEM, "ASAN_OPTIONS": "verify_asan_link_order=0"}:
                folder = tempfile.mkdtemp(dir=os.path.dirname(ENGINE))
                child = subprocess.Popen([ENGINE, "disk"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                         env={**os.environ, **env})
                child.stdin.write(json.dumps({"seconds": 30, "bytes": 64 * MIB, "folder": folder}).encode())
                child.stdin.close()
                time.sleep(0.15)
                child.send_signal(number)
                self.assertEqual(child.wait(), -number)
                self.assertEqual(os.listdir(folder), [])
                os.rmdir(folder)

    def test_refusals(self):
        for test, request, status, words in (
                ("memory", "", 65, "request"), ("memory", "[]", 65, "not a JSON map"),
                ("memory", '{"threads": 0}', 65, '"threads"'), ("memory", '{"threads": "2"}', 65, '"threads"'),
                ("memory", '{"cpus": [-1]}', 65, "CPU"), ("memory", '{"cpus": 3}', 65, '"cpus"'),
                ("memory", '{"bytes": 1e30}', 65, '"bytes"'), ("memory", '{"seconds": 1e9}', 65, '"seconds"'),
                ("memory", "[" * 60000, 65, "request"), ("memory", " " * 70000, 65, "over 65536 bytes"),
                ("disk", "{}", 65, '"folder"'), ("matvec", "{}", 64, "usage")):
            done = run(test, request)
            self.assertEqual((done.returncode, done.stdout), (status, b""), (test, request[:40]))
            self.assertIn(words, done.stderr.decode())

    def test_help_and_version(self):
        done = subprocess.run([ENGINE, "--help"], capture_output=True)
        self.assertEqual(done.returncode, 0)
        for test in b"memory", b"gemm", b"disk", b"guide":
            self.assertIn(test, done.stdout)
        self.assertRegex(subprocess.run([ENGINE, "--version"], capture_output=True).stdout.decode(),
                         r"^muster-engine \d+\.\d+\.\d+\n$")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
