#!/usr/bin/python3
"""The engine's device test, on a device that is at hand everywhere: llama.cpp's RPC server on this machine's CPU stands in for a card. Sanity of
units and order, refusals, and a device that goes away; never speed.

test_device.py ENGINE PROGRAMS    (PROGRAMS: the folder of ggml-rpc-server)
"""
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import unittest

import rpc_device

ENGINE, PROGRAMS = sys.argv[1], pathlib.Path(sys.argv[2])
KEYS = ["work", "device", "type", "tokens", "row", "group", "cell", "buffer", "threads", "low", "likely", "high", "runs", "source", "conditions"]
F32, F16, Q8_0, Q4_K = 0, 1, 8, 12
# llama.cpp never frees what it keeps of a server
os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"


def start(**request):
    child = subprocess.Popen([ENGINE, "device"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    child.stdin.write(json.dumps({"device": "RPC0", "seconds": 0.5, "types": [Q8_0], **request}))
    child.stdin.close()
    child.stdin = None
    return child


def ask(**request):
    child = start(**request)
    out, talk = child.communicate(timeout=150)
    return child.returncode, [json.loads(line) for line in out.splitlines()], talk


class Device(unittest.TestCase):
    def refused(self, status, words, **request):
        code, lines, talk = ask(**request)
        self.assertEqual((code, lines), (status, []), talk)
        self.assertIn(words, talk)
        self.assertEqual(len(talk.splitlines()), 1, talk)

    def rates(self, **request):
        code, lines, talk = ask(**request)
        self.assertEqual(code, 0, talk)
        rows = [line for line in lines if "note" not in line]
        for row in rows:
            self.assertEqual([key for key in KEYS if key in row], list(row))
            self.assertEqual((row["device"], row["threads"]), ("RPC0", 0))
            self.assertTrue(0 < row["low"] <= row["likely"] <= row["high"] < 1e18, row)
            self.assertGreaterEqual(row["runs"], 1)
            self.assertRegex(row["conditions"], r"^(idle|busy: .+); [0-9.]+ .?i?B of [0-9.]+ .?i?B free there before$")
            self.assertIn("llama.cpp ", row["source"])
        named = [tuple(row.get(key) for key in ("work", "type", "tokens", "row", "group", "cell", "buffer")) for row in rows]
        self.assertEqual(len(set(named)), len(named), "a rate said twice")
        return rows

    def test_all_that_is_priced(self):
        with rpc_device.server(PROGRAMS) as (_, address):
            rows = self.rates(server=address, types=[Q8_0], seconds=2)
        best = {(row["work"], row.get("type"), row.get("tokens"), row.get("row")): row["high"] for row in rows}
        self.assertEqual({key for key in best if key[0] == "attend"},
                         {("attend", kind, tokens, row) for kind in ("f16", "q8_0") for tokens in (1, 512) for row in (64, 128)})
        self.assertEqual({key[0] for key in best}, {"matmul", "expert matmul", "attend", "graph operations", "elementwise", "memory read",
                                                    "copy to device", "copy from device"})
        # A weight that is used 512 times costs less each time than one that is used once.
        self.assertGreater(best["matmul", "q8_0", 512, 4096], best["matmul", "q8_0", 1, 4096])
        # 8.5 bits a weight, 2 FLOP: the stream is the product's, in bytes.
        by = {row["work"]: row for row in rows}
        decode = next(row for row in rows if row["work"] == "matmul" and row["tokens"] == 1)
        self.assertAlmostEqual(by["memory read"]["likely"] / decode["likely"], 8.5 / 8 / 2, places=3)
        self.assertEqual({row["buffer"] for row in rows if row["work"].startswith("copy")}, {"CPU"})

    def test_little_memory(self):
        with rpc_device.server(PROGRAMS) as (_, address):
            self.refused(69, "needs", server=address, bytes=1e8)
            rows = self.rates(server=address, bytes=1.8e8, types=[F32, Q4_K])
        self.assertIn("f32", {row.get("type") for row in rows})

    def test_listed(self):
        with rpc_device.server(PROGRAMS) as (_, address):
            done = subprocess.run([ENGINE, "devices"], input=json.dumps({"server": address}), capture_output=True, text=True, timeout=60, check=True)
        self.assertEqual([(row["name"], row["backend"]) for row in map(json.loads, done.stdout.splitlines())], [("CPU", "CPU"), ("RPC0", "RPC")])

    def test_refusals(self):
        self.refused(69, "no device RPC0")
        self.refused(69, "no device \\x1b", device="\x1b[2J")
        self.refused(65, '"device"', device="")
        self.refused(65, '"device"', device=3)
        self.refused(65, '"types"', types=[1000])
        self.refused(65, '"server"', server=7)
        self.refused(65, '"patience_seconds"', patience_seconds=0)
        self.refused(64, "test kernels", device="CPU")
        self.refused(69, "RPC0 is lost", server=f"127.0.0.1:{rpc_device.free_port()}")

    def end_of(self, how, **request):
        """What the engine says of a server that this happens to in the middle of its work."""
        with rpc_device.server(PROGRAMS) as (child, address):
            engine = start(server=address, seconds=60, types=[Q8_0, Q4_K, F16, F32], **request)
            before = self.busy(child.pid)
            while self.busy(child.pid) < before + 0.5 and engine.poll() is None:
                time.sleep(0.05)
            self.assertIsNone(engine.poll())
            os.kill(child.pid, how)
            out, talk = engine.communicate(timeout=60)
            self.assertEqual((engine.returncode, out), (69, ""), talk)
            self.assertEqual(len(talk.splitlines()), 1, talk)
            return talk

    def busy(self, pid):
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def test_a_device_that_dies(self):
        self.assertIn("RPC0 is lost", self.end_of(signal.SIGKILL))

    def test_a_device_that_falls_silent(self):
        self.assertIn("RPC0 did not answer for 3 s", self.end_of(signal.SIGSTOP, patience_seconds=3))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
