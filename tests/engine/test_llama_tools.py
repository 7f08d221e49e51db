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
