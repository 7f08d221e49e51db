#!/usr/bin/python3
"""hf:org/name leads to the file that llama.cpp takes for -hf org/name from the same cache, offline: the usual quantisation, one asked for
in either case, one in a folder of its own, a split one, and none where it takes none. The files are headers alone: loading them fails at
once, and the message names the file.

test_hub_names.py MUSTER SOURCE_ROOT FOLDER_OF_PROGRAMS
"""
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest

MUSTER, ROOT, PROGRAMS = (pathlib.Path(path).resolve() for path in sys.argv[1:4])
FIGURES = {"arch": "llama", "n_layer": 2, "n_embd": 64, "n_head": 4, "n_ff": 128, "n_vocab": 100, "n_ctx_train": 512, "tied": False}
REVISION, OLDER = "0123456789abcdef" * 2 + "01234567", "fedcba9876543210" * 2 + "fedcba98"
WAIT_S = 60


class Names(unittest.TestCase):
    def setUp(self):
        self.home = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.home)
        self.header = self.home / "header.gguf"
        subprocess.run([ROOT / "tools/make-gguf", json.dumps(FIGURES), self.header], check=True, capture_output=True, timeout=WAIT_S)
        with open(self.header, "r+b") as f:
            f.truncate(self.header.stat().st_size - 64)
        self.env = {"HOME": str(self.home), "PATH": "/usr/bin:/bin"}
        self.hub = self.home / ".cache/huggingface/hub"

    def put(self, *names, repo="org/some-model", revision=REVISION, main=REVISION):
        folder = self.hub / ("models--" + repo.replace("/", "--"))
        for path in (folder / "refs", folder / "blobs"):
            path.mkdir(parents=True, exist_ok=True)
        (folder / "refs/main").write_text(main)
        for name in names:
            path = folder / "snapshots" / revision / name
            path.parent.mkdir(parents=True, exist_ok=True)
            blob = folder / "blobs" / (revision[:8] + name.replace("/", "_"))
            shutil.copy(self.header, blob)
            path.symlink_to(os.path.relpath(blob, path.parent))

    def theirs(self, name):
        done = subprocess.run([PROGRAMS / "llama-server", "--offline", "-hf", name, "--port", "0"], env=self.env, capture_output=True,
                              text=True, timeout=WAIT_S)
        found = re.search(r"failed to load model '([^'\n]+)'", done.stdout + done.stderr)
        return found and found[1]

    def ours(self, name):
        done = subprocess.run([MUSTER, "fit", "hf:" + name, "--machine", "cpu:4 ram:8GiB"], cwd=self.home, env=self.env,
                              capture_output=True, text=True, timeout=WAIT_S)
        lines = done.stdout.replace("\\\n", " ").splitlines()
        if "llama.cpp" not in lines:
            self.assertEqual(done.returncode, 66, done.stderr)
            return None
        words = shlex.split(lines[lines.index("llama.cpp") + 1])
        return words[words.index("-m") + 1]

    def agree(self, name, file):
        theirs, ours = self.theirs(name), self.ours(name)
        self.assertEqual(ours, theirs, name)
        self.assertEqual(pathlib.Path(ours).name if ours else None, file, name)

    def test_quantisations(self):
        self.put("m-Q4_K_M.gguf", "m-q8_0.gguf", "m.Q5_K_S.gguf", "folder/m-F16.gguf")
        for tag, file in (("", "m-Q4_K_M.gguf"), (":Q8_0", "m-q8_0.gguf"), (":q4_k_m", "m-Q4_K_M.gguf"), (":Q5_K_S", "m.Q5_K_S.gguf"),
                          (":F16", "m-F16.gguf"), (":Q2_K", None)):
            self.agree("org/some-model" + tag, file)

    def test_without_the_usual(self):
        self.put("m-Q8_0.gguf", "m-F16.gguf")
        self.agree("org/some-model", "m-Q8_0.gguf")
        self.put("only-F32.gguf", repo="org/one")
        self.agree("org/one", "only-F32.gguf")

    def test_what_is_no_model(self):
        self.put("mmproj-F16.gguf", "m-imatrix-Q6_K.gguf", "README.md", repo="org/parts")
        self.agree("org/parts", None)
        self.agree("org/parts:F16", None)
        self.agree("org/absent", None)

    def test_snapshots(self):
        self.put("m-Q8_0.gguf")
        self.put("m-Q4_K_M.gguf", revision=OLDER)
        self.agree("org/some-model", "m-Q8_0.gguf")
        self.agree("org/some-model:Q4_K_M", None)
        self.put(main=OLDER)
        self.agree("org/some-model", "m-Q4_K_M.gguf")

    def test_caches_of_other_names(self):
        self.put("m-Q8_0.gguf")
        for name, place in (("LLAMA_CACHE", "a"), ("HF_HUB_CACHE", "b"), ("HUGGINGFACE_HUB_CACHE", "c"), ("HF_HOME", "d/hub"),
                            ("XDG_CACHE_HOME", "e/huggingface/hub")):
            with self.subTest(name):
                (self.home / place).parent.mkdir(parents=True, exist_ok=True)
                self.hub.rename(self.home / place)
                self.hub = self.home / place
                self.agree("org/some-model", None)
                self.env[name] = str(self.home / place.split("/")[0])
                self.agree("org/some-model", "m-Q8_0.gguf")
                del self.env[name]


unittest.main(argv=sys.argv[:1])
