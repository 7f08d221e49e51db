#!/usr/bin/python3
"""The engine's kernels and amx tests: rows that are sane, refusals, memory kept, and AMX that traps. Sanity of units and order, never speed.

test_kernels.py ENGINE TRAPPING_LIBRARY
"""
import json
import os
import signal
import subprocess
import sys
import unittest

ENGINE, TRAPPING = sys.argv[1:3]
THREADS = len(os.sched_getaffinity(0))
KEYS = ["work", "type", "tokens", "row", "group", "cell", "buffer", "threads", "low", "likely", "high", "runs", "source", "conditions"]
F32, F16, Q8_0, Q4_K = 0, 1, 8, 12


def run(test, request, *more, env=None):
    """The engine, and the most memory it had."""
    child = subprocess.Popen([ENGINE, test, *more], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             env={**os.environ, **(env or {})})
    child.stdin.write((request if isinstance(request, str) else json.dumps(request)).encode())
    child.stdin.close()
    out, talk = child.stdout.read().decode(), child.stderr.read().decode()
    child.stdout.close()
    child.stderr.close()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return child.returncode, [json.loads(line) for line in out.splitlines()], talk, usage.ru_maxrss * 1024


def preload():
    return {"LD_PRELOAD": TRAPPING, "ASAN_OPTIONS": "verify_asan_link_order=0"}


def identity(row):
    return tuple(row.get(key) for key in ("work", "type", "tokens", "row", "group", "cell", "buffer", "threads"))


class Kernels(unittest.TestCase):
    def rates(self, *more, **request):
        code, lines, talk, _ = run("kernels", {"threads": THREADS, "bytes": 3e8, "seconds": 0.5, **request}, *more)
        self.assertEqual(code, 0, talk)
        rows = [line for line in lines if "note" not in line]
        # On a busy machine the time may be over before the last of it.
        self.cut = any("it took too long" in line["note"] for line in lines if "note" in line)
        for row in rows:
            self.assertEqual([key for key in KEYS if key in row], list(row))
            self.assertGreater(row["low"], 0)
            self.assertLessEqual(row["low"], row["likely"])
            self.assertLessEqual(row["likely"], row["high"])
            self.assertLess(row["high"], 1e18)
            self.assertGreaterEqual(row["runs"], 1)
            self.assertRegex(row["conditions"], r"^(idle|busy: .+)")
            self.assertIn("llama.cpp ", row["source"])
        self.assertEqual(len({identity(row) for row in rows}), len(rows), "a rate said twice")
        return rows

    def test_products(self):
        rows = self.rates(types=[Q8_0], columns=[1, 512], seconds=2)
        products = [row for row in rows if row["work"] == "matmul"]
        self.assertEqual({row["type"] for row in products}, {"q8_0"})
        self.assertEqual({row["threads"] for row in products}, {1, THREADS})
        choice = products[0]["buffer"]
        best = {row["tokens"]: row["high"] for row in products if row["threads"] == 1 and row["buffer"] == choice}
        self.assertEqual(set(best), {1, 512})
        # A weight used 512 times costs less each time than one used once.
        self.assertGreater(best[512], best[1])
        others = {row["buffer"] for row in products} - {choice}
        for buffer in others:
            self.assertEqual({row["tokens"] for row in products if row["buffer"] == buffer}, {1, 32})
        self.assertTrue(self.cut or "CPU" in others | {choice})

    def test_the_curve_is_of_the_first_types(self):
        rows = self.rates(types=[Q8_0, Q4_K, 14, F16], seconds=4)
        def columns(kind):
            first = next(row["buffer"] for row in rows if row.get("type") == kind and row["work"] == "matmul")
            return {row["tokens"] for row in rows if row.get("type") == kind and row.get("buffer") == first}
        self.assertEqual(columns("q8_0"), {1, 8, 32, 128, 512})
        if not self.cut:
            self.assertEqual(columns("f16"), {1, 512})

    def test_all_the_rest(self):
        rows = self.rates(types=[F32], columns=[1])
        attend = {(row["type"], row["tokens"], row["row"], row["group"], row["cell"]) for row in rows if row["work"] == "attend"}
        both = {(1, 4, 1024), (1, 1, 4096), (1, 8, 256), (512, 4, 1024)}
        layouts = {"f16": both | {(1, 2, 1024), (1, 8, 1024)}, "q8_0": both}
        self.assertEqual(attend, {(kind, tokens, row, group, cell) for kind in layouts for tokens, group, cell in layouts[kind] for row in (64, 128)})
        for work in "graph operations", "elementwise":
            self.assertEqual({row["threads"] for row in rows if row["work"] == work}, {1, THREADS})

    def test_memory(self):
        for kind in F32, Q4_K:
            for given in 2e8 + 2 * 4096 * 2048 * 4, 4e8:
                code, _, talk, most = run("kernels", {"threads": THREADS, "bytes": given, "seconds": 0.05, "types": [kind], "columns": [1]})
                self.assertEqual(code, 0, talk)
                if "asan" not in talk and not os.environ.get("ASAN_OPTIONS"):
                    self.assertLessEqual(most, given)

    def test_a_time_that_is_over(self):
        code, lines, talk, _ = run("kernels", {"threads": THREADS, "bytes": 3e8, "seconds": 1e-3, "types": [Q8_0, Q4_K]})
        self.assertEqual(code, 0, talk)
        self.assertIn("from q4_K on, types of weights were not measured", [line["note"] for line in lines if "note" in line][0])

    def test_refusals(self):
        usual = {"threads": 1, "bytes": 3e8, "seconds": 0.1}
        for more, status, words in (
                ({"types": []}, 65, '"types"'), ({"types": 3}, 65, '"types"'), ({"types": ["q4_K"]}, 65, '"types"'),
                ({"types": [4]}, 65, "4, which is no type"), ({"types": [9]}, 65, "9, which is no type"),
                ({"types": [24]}, 65, "24, which is no type"), ({"types": [1000]}, 65, '"types"'), ({"types": [1.5]}, 65, '"types"'),
                ({"types": [-1]}, 65, '"types"'), ({"types": [1] * 100}, 65, '"types"'),
                ({"columns": [0]}, 65, '"columns"'), ({"columns": [513]}, 65, '"columns"'), ({"columns": "1"}, 65, '"columns"'),
                ({"bytes": 1e8}, 69, "needs at least")):
            code, lines, talk, _ = run("kernels", {**usual, **more})
            self.assertEqual((code, lines), (status, []), more)
            self.assertIn(words, talk)

    def test_extra_buffers_agree_with_plain_memory(self):
        code, lines, talk, _ = run("amx", {"threads": THREADS})
        self.assertEqual(code, 0, talk)
        rows = [line for line in lines if "note" not in line]
        for row in rows:
            self.assertEqual(list(row), ["buffer", "type", "tokens", "error"])
            self.assertLess(row["error"], 1e-3)
        self.assertTrue(rows or lines)

    def test_without_amx(self):
        code, lines, talk, _ = run("amx", {"threads": 1}, "--no-amx")
        self.assertEqual(code, 0, talk)
        self.assertNotIn("AMX", {line.get("buffer") for line in lines})
        rows = self.rates("--no-amx", types=[Q8_0], columns=[1])
        self.assertNotIn("AMX", {row.get("buffer") for row in rows})
        self.assertTrue([row for row in rows if row["work"] == "matmul"])

    def test_tiles_that_trap(self):
        _, lines, _, _ = run("amx", {"threads": 1})
        if "AMX" not in {line.get("buffer") for line in lines}:
            return
        code, _, _, _ = run("amx", {"threads": 1}, env=preload())
        self.assertIn(code, (-signal.SIGILL, 1))  # a sanitizer makes an exit of it
        code, lines, talk, _ = run("amx", {"threads": 1}, "--no-amx", env=preload())
        self.assertEqual(code, 0, talk)
        self.assertNotIn("AMX", {line.get("buffer") for line in lines})


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
