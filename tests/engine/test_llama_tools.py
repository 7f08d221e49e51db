#!/usr/bin/python3
"""llama.cpp's own programs beside us: its server starts by the very command that `muster fit` prints, answers, and holds what we said it
would; its fit-params and bench read the files we write.

test_llama_tools.py MUSTER ENGINE SOURCE_ROOT FOLDER_OF_PROGRAMS
"""
import json
import os
import pathlib
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

import small_model

MUSTER, ENGINE, ROOT, PROGRAMS = (pathlib.Path(path).resolve() for path in sys.argv[1:5])
MIB = 1 << 20
FIGURES = {"arch": "llama", "n_layer": 4, "n_embd": 512, "n_head": 8, "n_head_kv": 2, "n_ff": 1024, "n_vocab": 4000, "n_ctx_train": 8192,
           "tied": False}
WAIT_S = 60


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Tools(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp()
        cls.file = os.path.join(cls.folder, "small model.gguf")  # the command has to quote it
        subprocess.run([ROOT / "tools" / "make-gguf", json.dumps(FIGURES), cls.file, "--whole-tokenizer"], check=True)
        subprocess.run([ENGINE, "fill"], input=json.dumps({"file": cls.file}).encode(), check=True, capture_output=True, timeout=WAIT_S)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def muster(self, *args):
        done = subprocess.run([MUSTER, "fit", self.file, "--quick", *args], cwd=self.folder, capture_output=True, text=True, timeout=WAIT_S,
                              env={"HOME": self.folder, "PATH": "/usr/bin:/bin", "MUSTER_ENGINE": str(ENGINE)})
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def command(self, *args):
        """The command printed under llama.cpp, as words."""
        lines = self.muster(*args).replace("\\\n", " ").splitlines()  # long ones go on in the next line
        words = shlex.split(lines[lines.index("llama.cpp") + 1])
        self.assertEqual(words[:3], ["llama-server", "-m", self.file])
        return [str(PROGRAMS / words[0]), *words[1:]]

    def held(self, *args):
        return json.loads(self.muster(*args, "--json"))["exact"]

    def serve(self, command, ask):
        """Starts it, calls ask(base address) once it is ready, stops it; what it logged."""
        port = free_port()
        with open(os.path.join(self.folder, "log"), "w+") as log:
            server = subprocess.Popen([*command, "--host", "127.0.0.1", "--port", str(port), "-v"], stdout=log, stderr=log, cwd=self.folder)
            try:
                base, until = f"http://127.0.0.1:{port}", time.monotonic() + WAIT_S
                while True:
                    self.assertIsNone(server.poll(), "the server ended before it was ready")
                    self.assertLess(time.monotonic(), until, "the server was not ready in time")
                    try:
                        with urllib.request.urlopen(base + "/health", timeout=WAIT_S) as health:
                            self.assertEqual(json.load(health), {"status": "ok"})
                        break
                    except (urllib.error.URLError, ConnectionError):  # not there yet, or 503: it loads
                        time.sleep(0.05)
                ask(base)
            finally:
                server.terminate()
                server.wait(WAIT_S)
            log.seek(0)
            return log.read()

    def complete(self, base):
        request = urllib.request.Request(base + "/completion", json.dumps(
            {"prompt": [5, 6, 7, 8], "n_predict": 4, "ignore_eos": True, "return_tokens": True}).encode())
        with urllib.request.urlopen(request, timeout=WAIT_S) as answer:
            answer = json.load(answer)
        self.assertEqual((answer["tokens_evaluated"], len(answer["tokens"])), (4, 4))

    def test_the_server_holds_what_was_said(self):
        for settings in [("--ctx", "4096"), ("--ctx", "8192", "--parallel", "2", "--kv-type", "q8_0"),
                         ("--ctx", "2048", "--ubatch", "128", "--flash-attention", "off", "--repack", "off")]:
            with self.subTest(settings=settings):
                said = self.held(*settings)
                log = self.serve(self.command(*settings), self.complete)
                loaded = log[log.rindex("load_tensors:"):]  # behind what its own fitting tried
                for name, byte_count in [("KV", sum(b["context_bytes"] for b in said["buffers"])),
                                         ("compute", sum(b["compute_bytes"] for b in said["buffers"])),
                                         ("output", said["output_bytes"])]:
                    mib = sum(map(float, re.findall(rf" {name} buffer size = +([\d.]+) MiB", loaded)))
                    self.assertAlmostEqual(mib, byte_count / MIB, delta=0.0051, msg=name)  # it says hundredths

    def attach(self, name, keys, tensors):
        """A file beside the model: a header and zeros behind it."""
        path = os.path.join(self.folder, name)
        header, byte_count = small_model.header(keys, tensors)
        with open(path, "wb") as f:
            f.write(header)
            f.truncate(len(header) + byte_count)
        return path

    def beside(self, *args):
        """Bytes by name of the lines that --lora, --mmproj and --draft add."""
        return {line["name"]: line["bytes"] for line in json.loads(self.muster(*args, "--json"))["held"] if line["group"] == "beside"}

    def adapter(self, name, rank, wanted):
        """An adapter of the model's weights whose names hold one of the words wanted."""
        pairs = [("token_embd.weight", (rank, 4000), (rank, 512)), ("output.weight", (512, rank), (rank, 4000))]
        for layer in range(4):
            pairs += [(f"blk.{layer}.attn_q.weight", (512, rank), (rank, 512)), (f"blk.{layer}.attn_k.weight", (512, rank), (rank, 128)),
                      (f"blk.{layer}.ffn_up.weight", (512, rank), (rank, 1024)), (f"blk.{layer}.ffn_down.weight", (1024, rank), (rank, 512))]
        tensors = [(weight + half, small_model.F32, dims) for weight, *both in pairs if any(word in weight for word in wanted)
                   for half, dims in zip((".lora_a", ".lora_b"), both)]
        return self.attach(name, {"general.architecture": "llama", "general.type": "adapter", "adapter.type": "lora",
                                  "adapter.lora.alpha": 32.0}, tensors)

    def test_adapters_lie_as_said(self):
        def compute(log):  # it is reserved again once the adapter is there
            return float(re.findall(r" compute buffer size = +([\d.]+) MiB", log)[-1])
        plain = compute(self.serve(self.command("--ctx", "4096"), self.complete))
        for rank, wanted in [(16, ("weight",)), (8, ("attn",)), (256, ("ffn",)), (4, ("output.weight",)), (4, ("token_embd",))]:
            with self.subTest(rank=rank, wanted=wanted):
                settings = "--ctx", "4096", "--lora", self.adapter("an adapter.gguf", rank, wanted)
                log, said = self.serve(self.command(*settings), self.complete), self.beside(*settings)
                self.assertEqual(sorted(said), ["LoRA adapters", "computing adapters, at most"])
                mib = sum(map(float, re.findall(r"LoRA buffer size = +([\d.]+) MiB", log)))
                self.assertAlmostEqual(mib, said["LoRA adapters"] / MIB, delta=0.0051)
                self.assertLessEqual(compute(log) - plain, said["computing adapters, at most"] / MIB + 0.0101)
                self.assertEqual(self.beside(*settings, *settings[-2:])["LoRA adapters"], 2 * said["LoRA adapters"])

    def test_other_models_adapters_are_refused(self):
        other = self.attach("other.gguf", {"general.architecture": "llama", "general.type": "adapter"},
                            [("blk.0.attn_q.weight.lora_a", small_model.F32, (256, 8)), ("blk.0.attn_q.weight.lora_b", small_model.F32, (8, 256))])
        done = subprocess.run([MUSTER, "fit", self.file, "--quick", "--lora", other], cwd=self.folder, capture_output=True, text=True,
                              env={"HOME": self.folder, "PATH": "/usr/bin:/bin"}, timeout=WAIT_S)
        self.assertEqual((done.returncode, done.stdout), (65, ""))
        self.assertIn("other dimensions", done.stderr)

    def test_a_projector_is_as_large_as_said(self):
        width, wide, f32 = 256, 1024, small_model.F32
        keys = {"general.architecture": "clip", "general.type": "mmproj", "clip.has_vision_encoder": True, "clip.projector_type": "mlp",
                "clip.use_gelu": True, "clip.vision.image_size": 112, "clip.vision.patch_size": 14, "clip.vision.embedding_length": width,
                "clip.vision.feed_forward_length": wide, "clip.vision.block_count": 3, "clip.vision.attention.head_count": 4,
                "clip.vision.projection_dim": 512, "clip.vision.attention.layer_norm_epsilon": 1e-5,
                "clip.vision.image_mean": small_model.Floats([0.5, 0.5, 0.5]), "clip.vision.image_std": small_model.Floats([0.5, 0.5, 0.5])}
        tensors = [("v.patch_embd.weight", f32, (14, 14, 3, width)), ("v.class_embd", f32, (width,)), ("v.position_embd.weight", f32, (width, 65)),
                   ("v.pre_ln.weight", f32, (width,)), ("v.pre_ln.bias", f32, (width,)), ("mm.0.weight", small_model.Q8_0, (width, 512)),
                   ("mm.0.bias", f32, (512,)), ("mm.2.weight", f32, (512, 512)), ("mm.2.bias", f32, (512,))]
        for layer in range(3):
            at = f"v.blk.{layer}."
            tensors += [(at + name + ".weight", f32, (width, width)) for name in ("attn_q", "attn_k", "attn_v", "attn_out")]
            tensors += [(at + name + kind, f32, (width,)) for name in ("ln1", "ln2") for kind in (".weight", ".bias")]
            tensors += [(at + "ffn_down.weight", f32, (wide, width)), (at + "ffn_up.weight", f32, (width, wide))]
        settings = "--ctx", "2048", "--mmproj", self.attach("a projector.gguf", keys, tensors)
        log, said = self.serve(self.command(*settings), self.complete), self.beside(*settings)
        self.assertEqual(list(said), ["projector"])
        self.assertAlmostEqual(float(re.search(r"model size: +([\d.]+) MiB", log).group(1)), said["projector"] / MIB, delta=0.0101)

    def test_a_draft_model_lies_as_said(self):
        draft = os.path.join(self.folder, "draft.gguf")
        subprocess.run([ROOT / "tools" / "make-gguf", json.dumps({**FIGURES, "n_layer": 2, "n_embd": 256, "n_ff": 512}), draft,
                        "--whole-tokenizer"], check=True)
        subprocess.run([ENGINE, "fill"], input=json.dumps({"file": draft}).encode(), check=True, capture_output=True, timeout=WAIT_S)
        for more in ((), ("--parallel", "2", "--kv-type", "q8_0"), ("--kv-unified", "--parallel", "2", "--ubatch", "128")):
            with self.subTest(more=more):
                settings = "--ctx", "4096", "--draft", draft, *more
                said, held = self.beside(*settings), self.held(*settings)
                log = self.serve(self.command(*settings), self.complete)
                first, second = log.rsplit("loading draft model", 1)
                buffers = held["buffers"]
                for text, kv, rest, name in [
                        (first[first.rindex("load_tensors:"):], sum(b["context_bytes"] for b in buffers),
                         sum(b["compute_bytes"] for b in buffers) + held["output_bytes"], "model"),
                        (second, said["draft model, KV cache"], said["draft model, compute and output"], "draft")]:
                    mib = {kind: sum(map(float, re.findall(rf" {kind} buffer size = +([\d.]+) MiB", text)))
                           for kind in ("KV", "compute", "output")}
                    self.assertAlmostEqual(mib["KV"], kv / MIB, delta=0.0051, msg=name)
                    self.assertAlmostEqual(mib["compute"] + mib["output"], rest / MIB, delta=0.0101, msg=name)

    def test_fit_params_estimates_the_same(self):
        settings = "--ctx", "8192", "--parallel", "2", "--kv-type", "q8_0"
        command = self.command(*settings)
        done = subprocess.run([PROGRAMS / "llama-fit-params", *command[1:], "--fit-print", "on"], capture_output=True, text=True,
                              timeout=WAIT_S, check=True)
        (host,) = [buffer for buffer in self.held(*settings)["buffers"] if buffer["host"]]
        row = [str(host[key] // MIB) for key in ("model_bytes", "context_bytes", "compute_bytes")]
        self.assertIn(["Host", *row], [line.split() for line in done.stdout.splitlines()])

    def test_bench_runs_our_file(self):
        done = subprocess.run([PROGRAMS / "llama-bench", "-m", self.file, "-p", "16", "-n", "4", "-r", "1", "-o", "jsonl"],
                              capture_output=True, text=True, timeout=WAIT_S, check=True)
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([(row["n_prompt"], row["n_gen"]) for row in rows], [(16, 0), (0, 4)])
        weights = sum(b["model_bytes"] for b in self.held("--repack", "off")["buffers"])
        for row in rows:
            self.assertGreater(row["avg_ts"], 0)
            self.assertAlmostEqual(row["model_size"], weights, delta=0.001 * weights)  # beside the padding


unittest.main(argv=sys.argv[:1], verbosity=1)
