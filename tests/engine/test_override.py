#!/usr/bin/python3
"""The expression that `muster fit` prints for a llama.cpp without --n-cpu-moe puts the same bytes into the same buffers as that option,
held by llama-server itself with its RPC server standing in for a card.

test_override.py MUSTER ENGINE SOURCE_ROOT PROGRAMS    (PROGRAMS: the folder of llama-server and ggml-rpc-server)
"""
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

import rpc_device

MUSTER, ENGINE, ROOT, PROGRAMS = (pathlib.Path(path).resolve() for path in sys.argv[1:5])
FIGURES = {"arch": "qwen3moe", "n_layer": 14, "n_embd": 256, "n_head": 4, "n_head_kv": 2, "n_ff": 512, "n_vocab": 2000, "n_ctx_train": 2048,
           "tied": False, "qk_norm": "head", "n_ff_exp": 128, "n_expert": 8, "n_expert_used": 2}
WAIT_S = 60


class Override(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.file = os.path.join(cls.folder.name, "experts.gguf")
        subprocess.run([ROOT / "tools" / "make-gguf", json.dumps(FIGURES), cls.file, "--whole-tokenizer"], check=True)
        subprocess.run([ENGINE, "fill"], input=json.dumps({"file": cls.file}).encode(), check=True, capture_output=True, timeout=WAIT_S)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def printed(self, experts):
        """The words of the command, and those that may stand in place of -ncmoe N; the second None where none are printed."""
        line = subprocess.run([MUSTER, "fit", self.file, "--quick", "--ctx", "512", "--gpu-layers", "all", "--n-cpu-moe", str(experts), "--machine",
                               "cpu:2 ram:32GiB gpu:Home Made 24GB"], capture_output=True, text=True, timeout=WAIT_S, check=True,
                              env={"HOME": self.folder.name, "PATH": "/usr/bin:/bin"}).stdout.replace("\\\n", "").splitlines()
        words = shlex.split(line[line.index("llama.cpp") + 1])
        override = [shlex.split(text) for text in line if text.strip().startswith("-ot ")]
        return words, override[0] if override else None

    def buffers(self, words, address):
        """What llama-server holds of the model's weights by the name of the buffer, in MiB as it logs them."""
        port = rpc_device.free_port()
        with open(os.path.join(self.folder.name, "log"), "w+") as log:
            server = subprocess.Popen([PROGRAMS / "llama-server", *words[1:], "--rpc", address, "--host", "127.0.0.1", "--port", str(port), "-v"],
                                      stdout=log, stderr=log, cwd=self.folder.name)
            try:
                until = time.monotonic() + WAIT_S
                while True:
                    self.assertIsNone(server.poll(), "the server ended before it was ready")
                    self.assertLess(time.monotonic(), until, "the server was not ready in time")
                    try:
                        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=WAIT_S):
                            break
                    except (urllib.error.URLError, ConnectionError):  # not there yet, or 503: it loads
                        time.sleep(0.05)
            finally:
                server.terminate()
                server.wait(WAIT_S)
            log.seek(0)
            text = log.read()
        loaded = text[text.rindex("load_tensors: layer") if "load_tensors: layer" in text else 0:]
        return sorted(re.findall(r"load_tensors: +(\S+) model buffer size = +([\d.]+) MiB", loaded))

    def test_the_same_bytes_in_the_same_buffers(self):
        with rpc_device.server(PROGRAMS) as (_, address):
            words, none = self.printed(0)
            self.assertIsNone(none)
            everything = self.buffers(words, address)
            for experts in (3, 12):
                with self.subTest(experts=experts):
                    words, override = self.printed(experts)
                    at = words.index("-ncmoe")
                    self.assertEqual(words[at + 1], str(experts))
                    counted = self.buffers(words, address)
                    named = self.buffers(words[:at] + override + words[at + 2:], address)
                    self.assertEqual(counted, named)
                    self.assertNotEqual(counted, everything)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
