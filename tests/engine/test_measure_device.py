#!/usr/bin/python3
"""tools/measure-device on a stand-in for a card (llama.cpp's RPC server): its stages, the page they make, and a stage that fails beside them.

test_measure_device.py BUILD PROGRAMS SOURCE_ROOT    (PROGRAMS: the folder of ggml-rpc-server and llama-bench)
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import rpc_device

BUILD, PROGRAMS, ROOT = (pathlib.Path(p).resolve() for p in sys.argv[1:4])
TOOL = ROOT / "tools" / "measure-device"


class Script(unittest.TestCase):
    def run_it(self, work, *words, status=0):
        done = subprocess.run([sys.executable, TOOL, "--work", work, "--build", BUILD, "--prefix", PROGRAMS.parent, "--out", f"{work}/out", "--tiny", *words],
                              capture_output=True, text=True, timeout=200, env={**os.environ, "PATH": "/usr/bin:/bin", "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"})
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stderr

    def test_the_whole(self):
        with tempfile.TemporaryDirectory() as work, rpc_device.server(PROGRAMS) as (_, address):
            self.run_it(work, "--device", "RPC0", "--server", address, "--stages", "rates,speed,write")
            (page,) = pathlib.Path(work, "out").glob("device-*.md")
            data = json.loads(page.with_suffix(".json").read_text())
            rates = {row["work"] for row in data["rates"]["found"]["rows"]}
            self.assertTrue({"matmul", "attend", "copy to device", "memory read"} <= rates, rates)
            rows = data["speed"]["found"]["rows"]
            self.assertEqual([row.get("why") for row in rows], [None] * 3)
            for row in rows:
                self.assertGreater(row["measured"]["decode"]["likely"], 0)
                self.assertTrue(any(name.startswith("RPC0") and name.endswith(" model") for name in row["measured"]["buffers_mib"]), row)
                self.assertEqual(row["listed"]["sites"][0]["name"], "the host", row)
                self.assertFalse(row["listed"]["placed_as_asked"])  # a server is no place of this machine
            self.assertIn("SmolLM2-135M", page.read_text())
            self.assertIsNone(data["speed"]["why"])

    def test_what_fails_is_said(self):
        with tempfile.TemporaryDirectory() as work:
            talk = self.run_it(work, "--device", "CUDA0", "--stages", "build,detect,rates,write", status=1)
            self.assertIn("nvcc is missing", talk)
            self.assertIn("has no CUDA0 here", talk)
            (page,) = pathlib.Path(work, "out").glob("device-cuda0.md")
            self.assertIn("Stage rates ended early", page.read_text())

    def test_a_limit_of_time(self):
        with tempfile.TemporaryDirectory() as work, rpc_device.server(PROGRAMS) as (_, address):
            talk = self.run_it(work, "--device", "RPC0", "--server", address, "--stages", "rates,write", "--limit", "1.5", status=1)
            self.assertRegex(talk, "took longer than|no time left")
            self.assertEqual(len(list(pathlib.Path(work, "out").iterdir())), 2)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
