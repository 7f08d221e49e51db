#!/usr/bin/python3
"""llama.cpp's own programs beside us: its server starts by the very command that `muster fit` prints, answers, and holds what we said it
would; its fit-params and bench read the files we write. What fit says of another machine's threads and NUMA nodes it takes too, behind
numactl, which is left out here: this machine may have neither such nodes nor that program.

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
FIGURES = {"arch": "llama", "n_layer": 6, "n_embd": 1024, "n_head": 16, "n_head_kv": 4, "n_ff": 4096, "n_vocab": 4000, "n_ctx_train": 8192,
           "tied": False}
FEW_NODES = FIGURES | {"n_layer": 1, "n_embd": 256, "n_head": 4, "n_ff": 512}  # for more threads than CPUs, which wait for each other at each
WAIT_S = 60


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def resident_bytes(pid):
    (kib,) = re.findall(r"^VmRSS:\s+(\d+) kB$", pathlib.Path(f"/proc/{pid}/status").read_text(), re.M)
    return int(kib) * 1024


class Tools(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp()
        cls.file = cls.make("small model.gguf", FIGURES)  # the command has to quote it

    @classmethod
    def make(cls, name, figures):
        file = os.path.join(cls.folder, name)
        subprocess.run([ROOT / "tools" / "make-gguf", json.dumps(figures), file, "--whole-tokenizer"], check=True)
        subprocess.run([ENGINE, "fill"], input=json.dumps({"file": file}).encode(), check=True, capture_output=True, timeout=WAIT_S)
        return file

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def muster(self, *args):
        done = subprocess.run([MUSTER, "fit", self.file, "--quick", *args], cwd=self.folder, capture_output=True, text=True, timeout=WAIT_S,
                              env={"HOME": self.folder, "PATH": "/usr/bin:/bin", "MUSTER_ENGINE": str(ENGINE)})
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def command(self, *args, behind=()):
        """The command printed under llama.cpp, as words, without those that it stands behind."""
        lines = self.muster(*args).replace("\\\n", "").splitlines()  # a shell goes on behind a backslash
        words = shlex.split(lines[lines.index("llama.cpp") + 1])
        server = words.index("llama-server")
        self.assertEqual(words[:server], list(behind))
        self.assertEqual(words[server + 1:server + 3], ["-m", self.file])
        return [str(PROGRAMS / "llama-server"), *words[server + 1:]]

    def held(self, *args):
        return json.loads(self.muster(*args, "--json"))["exact"]

    def serve(self, command, ask):
        """Starts it, calls ask(base address) once it is ready, stops it; what it logged."""
        port = free_port()
        env = {name: value for name, value in os.environ.items() if name != "MALLOC_PERTURB_"}  # meson's: it touches what nobody else would
        with open(os.path.join(self.folder, "log"), "w+") as log:
            server = subprocess.Popen([*command, "--host", "127.0.0.1", "--port", str(port), "-v"], stdout=log, stderr=log, cwd=self.folder,
                                      env=env)
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
                self.resident_bytes = resident_bytes(server.pid)
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

    def test_the_server_takes_the_memory_that_was_said(self):
        """Resident once it has answered: all that fit counts, with the mapped pages it shows beside; but of the compute buffer, which is
        for a whole micro-batch, four tokens may touch little, and of code and heap nobody says the least."""
        for settings in [("--ctx", "4096"), ("--ctx", "8192", "--parallel", "2", "--kv-type", "q8_0"), ("--ctx", "8192", "--no-mmap"),
                         ("--ctx", "4096", "--repack", "off", "--threads", "1")]:
            with self.subTest(settings=settings):
                said = json.loads(self.muster(*settings, "--json"))
                held = {kind: sum(h["bytes"] for h in said["held"] if h["as"] == kind) for kind in ("own", "mapped")}
                compute = sum(h["bytes"] for h in said["held"] if h["group"] == "compute")
                command = self.command(*settings)
                self.assertEqual("--load-mode" in command, "--no-mmap" in settings)
                self.assertEqual("-t" in command, "--threads" in settings)
                self.serve(command, self.complete)
                self.assertGreaterEqual(self.resident_bytes, held["own"] - compute + held["mapped"])
                self.assertLessEqual(self.resident_bytes, said["cpu_placement"]["needs_bytes"] + held["mapped"])

    def test_the_server_takes_threads_and_nodes_of_other_machines(self):
        machines = ROOT / "tests" / "machines"
        self.file = self.make("few nodes.gguf", FEW_NODES)
        full = pathlib.Path(self.folder) / "full-nodes"
        shutil.copytree(machines / "two-sockets", full, symlinks=True)
        for node in (full / "sys/devices/system/node").glob("node*/meminfo"):
            node.write_text(re.sub(r"MemFree: +\d+", "MemFree: 8", node.read_text()))
        for root, behind, threads in [(machines / "hybrid-laptop", (), ["-t", "4", "-tb", "12"]),
                                      (machines / "two-sockets", ("numactl", "--cpunodebind=0", "--membind=0"), ["-t", "2"]),
                                      (full, ("numactl", "--interleave=all"), ["-t", "2", "--numa", "distribute"])]:
            with self.subTest(root=root.name):
                few = ("--threads", "2") if behind else ()  # many more than there are CPUs take turns at every node of the graph
                command = self.command("--root", str(root), "--gpu-layers", "0", *few, behind=behind)
                at = command.index(threads[0])
                self.assertEqual(command[at:at + len(threads)], threads)
                self.serve(command, self.complete)

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
        width, inner, words = FIGURES["n_embd"], FIGURES["n_ff"], FIGURES["n_vocab"]
        key = width // FIGURES["n_head"] * FIGURES["n_head_kv"]
        pairs = [("token_embd.weight", (rank, words), (rank, width)), ("output.weight", (width, rank), (rank, words))]
        for layer in range(FIGURES["n_layer"]):
            pairs += [(f"blk.{layer}.attn_q.weight", (width, rank), (rank, width)), (f"blk.{layer}.attn_k.weight", (width, rank), (rank, key)),
                      (f"blk.{layer}.ffn_up.weight", (width, rank), (rank, inner)), (f"blk.{layer}.ffn_down.weight", (inner, rank), (rank, width))]
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
                mib = [float(x) for x in re.findall(r"LoRA buffer size = +([\d.]+) MiB", log)]  # each to a hundredth
                self.assertAlmostEqual(sum(mib), said["LoRA adapters"] / MIB, delta=0.0051 * len(mib))
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
        width, wide, f32, model = 256, 1024, small_model.F32, FIGURES["n_embd"]
        keys = {"general.architecture": "clip", "general.type": "mmproj", "clip.has_vision_encoder": True, "clip.projector_type": "mlp",
                "clip.use_gelu": True, "clip.vision.image_size": 112, "clip.vision.patch_size": 14, "clip.vision.embedding_length": width,
                "clip.vision.feed_forward_length": wide, "clip.vision.block_count": 3, "clip.vision.attention.head_count": 4,
                "clip.vision.projection_dim": model, "clip.vision.attention.layer_norm_epsilon": 1e-5,
                "clip.vision.image_mean": small_model.Floats([0.5, 0.5, 0.5]), "clip.vision.image_std": small_model.Floats([0.5, 0.5, 0.5])}
        tensors = [("v.patch_embd.weight", f32, (14, 14, 3, width)), ("v.class_embd", f32, (width,)), ("v.position_embd.weight", f32, (width, 65)),
                   ("v.pre_ln.weight", f32, (width,)), ("v.pre_ln.bias", f32, (width,)), ("mm.0.weight", small_model.Q8_0, (width, model)),
                   ("mm.0.bias", f32, (model,)), ("mm.2.weight", f32, (model, model)), ("mm.2.bias", f32, (model,))]
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
        subprocess.run([ROOT / "tools" / "make-gguf", json.dumps({**FIGURES, "n_layer": 2, "n_embd": 256, "n_head": 8, "n_head_kv": 2, "n_ff": 512}), draft,
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
