#!/usr/bin/python3
"""Memory as llama.cpp itself lays it out: nothing allocated equals really allocated, equals muster's own plan, to the byte.

test_exact.py MUSTER ENGINE MAKE_MODEL SOURCE_ROOT yes|no    (yes: the engine holds llama.cpp)
"""
import itertools
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import jsonschema

MUSTER, ENGINE, MAKE_MODEL = (str(pathlib.Path(path).resolve()) for path in sys.argv[1:4])
ROOT, LLAMA = pathlib.Path(sys.argv[4]).resolve(), sys.argv[5] == "yes"
SCHEMA = json.loads((ROOT / "docs" / "schema" / "fit-1.json").read_text())

DECODER = {"n_layer": 6, "n_embd": 512, "n_head": 8, "n_head_kv": 2, "n_ff": 1536, "n_vocab": 4000, "n_ctx_train": 8192, "tied": True}
MODELS = {
    "llama": {**DECODER, "tied": False, "rope_freqs": True},
    "qwen2": {**DECODER, "qkv_bias": True},
    "gemma3": {**DECODER, "n_layer": 12, "n_head": 4, "n_head_kv": 1, "head_dim": 256, "qk_norm": "head", "post_norms": True,
               "n_swa": 512},
    "qwen3moe": {**DECODER, "tied": False, "qk_norm": "head", "n_ff_exp": 256, "n_expert": 16, "n_expert_used": 4},
    "gpt2": {**DECODER, "n_head_kv": 8, "n_ff": 2048, "n_ctx_train": 1024},
    "bert": {**DECODER, "n_embd": 384, "n_head": 12, "n_head_kv": 12, "n_ctx_train": 512, "pooling": 1},
    "mamba": {**DECODER, "n_embd": 256, "n_head": 1, "n_head_kv": 1, "n_ff": 0,
              "ssm": {"conv": 4, "inner": 512, "state": 16, "rank": 16}},
    "xverse": {**DECODER, "tied": False},  # one that muster does not know
    "gemma": {**DECODER, "n_head": 4, "n_head_kv": 1, "head_dim": 256},
    "surprise": DECODER,  # no architecture of llama.cpp's
}
DEEPSEEK = {**DECODER, "n_layer": 27, "n_head": 4, "n_head_kv": 4, "n_ff_exp": 256, "n_expert": 16, "n_expert_used": 4,
            "n_expert_shared": 2, "n_dense_lead": 1, "tied": False, "mla": {"kv_lora": 512, "rope": 64, "nope": 128, "v": 128}}
PLANNED = ["llama", "qwen2", "gemma3", "qwen3moe", "gpt2", "bert"]
SETTINGS = [{}, {"--parallel": "2"}, {"--parallel": "3"}, {"--kv-type": "q8_0"}, {"--flash-attention": "off"}, {"--repack": "off"},
            {"--outputs-max": "0", "--ubatch": "128"}, {"--swa-full": None, "--parallel": "2", "--kv-unified": None}]
F16, Q8_0 = 1, 8


def make(folder, name, figures, *options):
    path = os.path.join(folder, name + ".gguf")
    subprocess.run([ROOT / "tools" / "make-gguf", json.dumps({"arch": name, **figures}), path, "--whole-tokenizer", *options], check=True)
    return path


def ask(test, request):
    return subprocess.run([ENGINE, test], input=json.dumps(request).encode(), capture_output=True, timeout=60)


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        cls.folder = cls.scratch.name

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    def script(self, text):
        path = os.path.join(self.folder, "engine")
        with open(path, "w") as f:
            f.write("#!/bin/sh\n" + text + "\n")
        os.chmod(path, 0o700)
        return path

    def muster(self, *args, engine=ENGINE):
        env = {"HOME": self.folder, "PATH": "/usr/bin:/bin", "XDG_STATE_HOME": self.folder, "XDG_CONFIG_HOME": self.folder,
               "LC_ALL": "C.UTF-8", "MUSTER_ENGINE": engine}
        return subprocess.run([MUSTER, "fit", *args, "--quick"], env=env, cwd=self.folder, capture_output=True, text=True, timeout=60)

    def fit(self, *args, engine=ENGINE, status=0):
        done = self.muster(*args, "--json", engine=engine)
        self.assertEqual((done.returncode, done.stderr), (status, ""))
        return json.loads(done.stdout)

    def refused(self, status, words, *args, engine=ENGINE):
        done = self.muster(*args, engine=engine)
        self.assertEqual((done.returncode, done.stdout), (status, ""))
        self.assertIn(words, done.stderr)


def groups(answer):
    """Bytes by group of the lines that must stay in memory."""
    sums = {}
    for line in answer["held"]:
        if line["as"] == "own":
            sums[line["group"]] = sums.get(line["group"], 0) + line["bytes"]
    return sums


@unittest.skipUnless(LLAMA, "the engine holds no llama.cpp")
class Engine(Case):
    """muster-engine exact, asked directly."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.path = {name: make(cls.folder, name, figures) for name, figures in MODELS.items()}

    def answer(self, **request):
        done = ask("exact", request)
        self.assertEqual((done.returncode, done.stderr.decode()), (0, ""))
        lines = done.stdout.decode().splitlines()
        self.assertEqual(len(lines), 1)
        return json.loads(lines[0])

    def both(self, name, **settings):
        laid_out = self.answer(file=self.path[name], **settings)
        real = self.answer(file=self.path[name], real=True, **settings)
        self.assertEqual((laid_out.pop("allocated"), real.pop("allocated")), (False, True))
        self.assertEqual(laid_out, real)
        self.assertGreater(sum(b["model_bytes"] for b in real["buffers"]), 1e6)
        return real

    def test_laid_out_is_as_allocated(self):
        for name in PLANNED + ["mamba", "gemma"]:
            with self.subTest(name):
                self.both(name, context_tokens=512)

    def test_settings_reach_llama(self):
        usual = self.both("gemma3", context_tokens=4096)
        cache = lambda answer: sum(b["context_bytes"] for b in answer["buffers"])
        compute = lambda answer: sum(b["compute_bytes"] for b in answer["buffers"])
        whole = self.both("gemma3", context_tokens=4096, swa_full=True)
        self.assertEqual(cache(whole), 2 * 12 * 4096 * 256 * 2)
        self.assertLess(cache(usual), cache(whole))
        self.assertEqual(cache(self.both("gemma3", context_tokens=4096, swa_full=True, kv_type_k=Q8_0, kv_type_v=Q8_0)),
                         cache(whole) * 34 // 64)
        self.assertEqual(usual["output_bytes"], 4 * 4000)
        three = self.both("gemma3", context_tokens=4096, sequences=3, outputs_max=3, embeddings=True)
        self.assertEqual(three["output_bytes"], 3 * 4 * (4000 + 512))
        self.assertEqual(three["context_tokens"], 3 * 1536)
        self.assertGreater(compute(self.both("llama", context_tokens=4096, flash_attention="off")),
                           compute(self.both("llama", context_tokens=4096)))
        self.assertLess(compute(self.both("llama", context_tokens=4096, ubatch_tokens=64)),
                        compute(self.both("llama", context_tokens=4096)))
        plain = self.both("llama", context_tokens=256, repack=False)
        self.assertEqual([b["buffer"] for b in plain["buffers"]], ["CPU"])

    def test_refusals(self):
        garbage = os.path.join(self.folder, "garbage.gguf")
        with open(garbage, "wb") as f:
            f.write(b"GGUF" + bytes(range(256)))
        llama = self.path["llama"]
        for status, words, request in [
                (65, "does not load the model", {"file": garbage}),
                (65, "does not load the model", {"file": self.folder}),
                (65, "does not load the model", {"file": "/nowhere.gguf"}),
                (65, "unknown model architecture: 'surprise'", {"file": self.path["surprise"]}),
                (65, '"file"', {}),
                (65, '"file"', {"file": 7}),
                (65, '"real"', {"file": llama, "real": "yes"}),
                (65, '"swa_full"', {"file": llama, "swa_full": 1}),
                (65, '"context_tokens"', {"file": llama, "context_tokens": 0}),
                (65, '"flash_attention"', {"file": llama, "flash_attention": "maybe"}),
                (65, "ggml", {"file": llama, "kv_type_k": 4}),  # a type that is gone
                (69, "V cache", {"file": llama, "flash_attention": "off", "kv_type_v": Q8_0})]:
            with self.subTest(request=request):
                done = ask("exact", request)
                self.assertEqual((done.returncode, done.stdout), (status, b""))
                self.assertIn(words, done.stderr.decode())

    def test_a_header_is_enough(self):
        """The first bytes of a file, with a hole as long as the rest."""
        whole = self.answer(file=self.path["qwen3moe"], context_tokens=512)
        size = os.path.getsize(self.path["qwen3moe"])
        with open(self.path["qwen3moe"], "rb") as f:
            head = f.read(1 << 20)
        fd = os.memfd_create("header", 0)
        os.write(fd, head)
        os.ftruncate(fd, size)
        done = subprocess.run([ENGINE, "exact"], input=json.dumps({"file": f"/proc/self/fd/{fd}", "context_tokens": 512}).encode(),
                              capture_output=True, timeout=60, pass_fds=[fd])
        os.close(fd)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertEqual(json.loads(done.stdout), whole)


@unittest.skipUnless(LLAMA, "the engine holds no llama.cpp")
class Fit(Case):
    """muster fit on this machine."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.path = {name: make(cls.folder, name, figures) for name, figures in MODELS.items()}

    def exact(self, *args, status=0):
        answer = self.fit(*args, status=status)
        self.assertIsNotNone(answer["exact"], answer["notes"])
        jsonschema.validate(answer, SCHEMA)
        exact, held = answer["exact"], answer["sites"][0]["held_bytes"]
        total = exact["output_bytes"] + sum(b[key] for b in exact["buffers"] for key in ("model_bytes", "context_bytes", "compute_bytes"))
        self.assertEqual((held["low"], held["likely"], held["high"]), (total, total, total))
        self.assertEqual(held["origin"], "measured")
        self.assertEqual(held["source"], f"llama.cpp {exact['llama']}, loaded without allocating")
        return answer

    def test_the_plan_is_the_same_to_the_byte(self):
        for name, settings in itertools.product(PLANNED, SETTINGS):
            if name == "bert" and settings.get("--parallel") == "3":
                continue  # llama.cpp v0.5.0 itself aborts where sequences do not divide a micro-batch that is pooled
            args = [word for pair in settings.items() for word in pair if word]
            with self.subTest(name, settings=settings):
                exact, plan = self.exact(self.path[name], *args), self.fit(self.path[name], *args, "--no-exact")
                self.assertIsNone(plan["exact"])
                self.assertEqual(groups(exact), groups(plan))
                self.assertEqual(exact["exact"]["planned_bytes"], exact["sites"][0]["held_bytes"]["likely"])
                self.assertEqual(exact["sites"][0]["beside_bytes"], plan["sites"][0]["beside_bytes"])

    def test_the_screen_names_the_version(self):
        done = self.muster(self.path["llama"])
        self.assertRegex(done.stdout, r"  as llama\.cpp \d+\.\d+\.\d+ itself lays it out on this machine; muster's own plan is the same to "
                                      r"the byte")
        free = re.compile(r" of [\d.]+ [KMG]iB$", re.MULTILINE)  # memory, which others take between two runs
        self.assertEqual(free.sub("", self.muster(self.path["llama"], "--exact").stdout), free.sub("", done.stdout))
        self.assertNotIn("itself lays it out", self.muster(self.path["llama"], "--no-exact").stdout)
        self.assertIn("muster's own plan, which speeds and the largest context follow:", self.muster(self.path["llama"], "--explain").stdout)

    def test_the_file_itself_says_the_same(self):
        """muster hands over a header without the vocabulary; the whole file, really loaded, has the same buffers."""
        for name in PLANNED + ["mamba", "gemma"]:
            with self.subTest(name):
                encodes = name == "bert"  # its command is a server of embeddings, which wants a row for every token
                done = ask("exact", {"file": self.path[name], "context_tokens": 512, "embeddings": encodes,
                                     "outputs_max": int(not encodes), "real": True})
                itself = json.loads(done.stdout)
                answer = self.exact(self.path[name], "--ctx", "512")["exact"]
                self.assertEqual([(b["buffer"], b["model_bytes"], b["context_bytes"], b["compute_bytes"]) for b in answer["buffers"]],
                                 sorted((b["buffer"], b["model_bytes"], b["context_bytes"], b["compute_bytes"])
                                        for b in itself["buffers"]))
                self.assertEqual(answer["output_bytes"], itself["output_bytes"])

    def test_a_plan_never_held_against_llama_becomes_a_point(self):
        table = json.loads((ROOT / "data" / "architectures.json").read_text())
        table["entries"] = [{**row, "checked": False} for row in table["entries"] if row["name"] == "llama"]
        mine = pathlib.Path(self.folder, "muster")
        mine.mkdir()
        (mine / "architectures.json").write_text(json.dumps(table))
        try:
            plan, answer = self.fit(self.path["llama"], "--no-exact"), self.exact(self.path["llama"])
        finally:
            shutil.rmtree(mine)
        self.assertLess(plan["sites"][0]["held_bytes"]["low"], plan["sites"][0]["held_bytes"]["high"])
        self.assertIn("never held against llama.cpp", " ".join(plan["notes"]))
        self.assertEqual(answer["notes"], [])

    def test_what_has_no_rule_is_computed(self):
        plan = self.fit(self.path["xverse"], "--no-exact", status=1)
        self.assertEqual(plan["fits"], "not computed")
        answer = self.exact(self.path["xverse"])
        self.assertEqual(answer["fits"], "yes")
        self.assertIsNone(answer["exact"]["planned_bytes"])
        self.assertIsNone(answer["decode_tokens_per_s"]["likely"])
        self.assertIn("muster has no plan of its own for this", self.muster(self.path["xverse"]).stdout)

    def test_what_llama_cannot_load_either(self):
        answer = self.fit(self.path["surprise"], status=1)
        self.assertEqual((answer["fits"], answer["exact"]), ("not computed", None))
        self.assertIn("llama.cpp does not size it either: ", answer["notes"][-1])
        self.refused(65, "unknown model architecture: 'surprise'", self.path["surprise"], "--exact")

    def test_a_header_alone(self):
        whole = self.exact(self.path["qwen2"])
        cut = os.path.join(self.folder, "cut.gguf")
        with open(self.path["qwen2"], "rb") as f:
            head = f.read(1 << 18)
        with open(cut, "wb") as f:
            f.write(head)
        answer = self.exact(cut)
        self.assertEqual(answer["exact"], whole["exact"])
        self.assertEqual(len(answer["notes"]), 1)
        self.assertIn("an unfinished download, perhaps; ", answer["notes"][0])

    def test_split_files(self):
        parts = make(self.folder, "llama", MODELS["llama"], "--parts", "3").removesuffix(".gguf")
        make(self.folder, "llama", MODELS["llama"])
        whole, answer = self.exact(self.path["llama"]), self.exact(parts + "-00001-of-00003.gguf")
        self.assertEqual((answer["exact"], answer["notes"]), (whole["exact"], []))
        for part in 1, 3:
            with open(parts + f"-0000{part}-of-00003.gguf", "r+b") as f:
                f.truncate(os.path.getsize(f.name) - 64)
        answer = self.exact(parts + "-00001-of-00003.gguf")
        self.assertEqual(answer["exact"], whole["exact"])
        self.assertIn("; 128 B of weights are missing", answer["notes"][0])

    def test_a_name_is_as_its_file(self):
        for name, quant in (("SmolLM2-135M", "Q8_0"), ("Qwen2.5-0.5B", "Q4_K_M"), ("Llama-3.1-70B", "Q8_0"), ("gemma-2-2b", "F16")):
            path = os.path.join(self.folder, "named.gguf")
            subprocess.run([MAKE_MODEL, name, quant, path, "--header-only"], check=True, capture_output=True)
            with self.subTest(name, quant=quant):
                big = name == "Llama-3.1-70B"
                memory = json.loads(self.muster("SmolLM2-135M", "--json").stdout)["sites"][0]["usable_bytes"]
                status = int(big and memory < 90e9)
                by_name = self.exact(name, "--quant", quant, "--ctx", "2k", status=status)
                by_file = self.exact(path, "--ctx", "2k", status=status)
                self.assertEqual(by_name["exact"], by_file["exact"])
                self.assertEqual(by_name["exact"]["planned_bytes"], by_name["sites"][0]["held_bytes"]["likely"])

    def test_a_name_is_as_the_truth(self):
        """Rows that llama.cpp gave for real shapes, weights as they lie in the file."""
        truth = json.loads((ROOT / "data" / "truth" / "memory_cpu.json").read_text())
        names = {"Llama-3.2-1B": "Llama-3.2-1B", "Qwen2.5-0.5B": "Qwen2.5-0.5B", "SmolLM2-360M": "SmolLM2-360M"}
        rows = 0
        for row in truth["rows"]:
            config = row["config"]
            plain = not config["extra_buffer_types"] and config["n_seq_max"] == 1 and config["type_k"] == config["type_v"] == "f16"
            if rows == 6 or row["model"] not in names or row["quant"] not in ("Q8_0", "Q4_K_M") or not plain:
                continue
            rows += 1
            with self.subTest(row["model"], quant=row["quant"], config=config):
                answer = self.exact(names[row["model"]], "--quant", row["quant"], "--repack", "off", "--ctx", str(config["n_ctx"]),
                                    "--batch", str(config["n_batch"]), "--ubatch", str(config["n_ubatch"]),
                                    "--outputs-max", str(config["n_outputs_max"]), "--flash-attention", config["flash_attn"])
                said = {"weights": row["truth"]["model_bytes"], "kv": row["truth"]["kv_bytes"], "compute": row["truth"]["compute_bytes"],
                        "output": row["truth"]["output_bytes"]}
                self.assertEqual(groups(answer), said)
        self.assertGreater(rows, 2)

    def test_weights_that_stop_llama_are_not_repacked(self):
        """v0.5.0 aborts on latent attention in AMX buffers: what is said to fit must run as the command says."""
        path = make(self.folder, "deepseek2", DEEPSEEK)
        answer, plan = self.fit(path), self.fit(path, "--no-exact")
        off = self.fit(path, "--repack", "off")
        self.assertEqual(groups(answer), groups(plan))
        settled = [note for note in answer["notes"] if "--no-repack" in note]
        with open("/proc/cpuinfo") as file:
            self.assertEqual(bool(settled), " amx_int8 " in file.read())
        self.assertEqual("--no-repack" in self.muster(path).stdout.split("llama-server")[1].splitlines()[0], bool(settled))
        if settled:
            self.assertEqual((groups(answer), len(settled)), (groups(off), 1))
            self.assertEqual([note for note in off["notes"] if "--no-repack" in note], [])
        self.assertEqual(groups(self.exact(path, "--repack", "off")), groups(self.fit(path, "--repack", "off", "--no-exact")))

    def test_llama_that_stops_is_told(self):
        """The same with a rule that does not know it; a CPU without AMX has nothing to stop at."""
        path, rules = make(self.folder, "deepseek2", DEEPSEEK), os.path.join(self.folder, "muster", "buffers.json")
        with open(os.path.join(ROOT, "data", "buffers.json")) as file:
            ours = json.load(file)
        for row in ours["entries"]:
            row["heads_fail"] = None
        os.makedirs(os.path.dirname(rules), exist_ok=True)
        with open(rules, "w") as file:
            json.dump(ours, file)
        try:
            answer = self.fit(path)
            if answer["exact"] is None:
                self.assertIn("using muster's own plan of the memory: muster-engine was killed by SIGABRT", answer["notes"][-1])
                self.assertIn("start llama.cpp with --no-repack", answer["notes"][-1])
                self.refused(70, "SIGABRT", path, "--exact")
        finally:
            os.remove(rules)

    def test_an_engine_that_fails_leaves_the_plan(self):
        for script, status, words in [("kill -KILL $$", 70, "SIGKILL"), ("kill -ILL $$", 70, "SIGILL"),
                                      ("echo 'the llama.cpp found is 0.4.9, but this program was built for 0.5.0' >&2; exit 69", 69,
                                       "the llama.cpp found is 0.4.9"),
                                      ("echo '{\"llama\": \"1\"}'", 70, "can't be used"),
                                      ("exit 77", 77, "status 77")]:
            engine = self.script(script)
            with self.subTest(script):
                answer = self.fit(self.path["llama"], engine=engine)
                self.assertIsNone(answer["exact"])
                self.assertEqual(answer["sites"][0]["held_bytes"]["origin"], "estimated")
                self.assertEqual(len(answer["notes"]), 1)
                self.assertIn("using muster's own plan of the memory: ", answer["notes"][0])
                self.assertIn(words, answer["notes"][0])
                self.refused(status, words, self.path["llama"], "--exact", engine=engine)
        self.refused(69, "cannot be had", self.path["llama"], "--exact", engine="/nowhere/muster-engine")

    def test_other_machines(self):
        line = ["--machine", "cpu:8 ram:32GiB"]
        self.assertIsNone(self.fit(self.path["llama"], *line)["exact"])
        self.refused(64, "not on another machine's: leave it out", self.path["llama"], "--exact", *line)

    def test_no_such_model(self):
        garbage = os.path.join(self.folder, "garbage.gguf")
        with open(garbage, "wb") as f:
            f.write(b"GGUF" + bytes(range(256)))
        self.refused(65, "cannot read", garbage, "--exact")
        self.refused(66, "folder", self.folder, "--exact")
        self.refused(66, "No such file", "/nowhere.gguf", "--exact")
        self.refused(69, "cannot be had: ", "GPT-4", "--exact")


class WithoutLlama(Case):
    """An engine that does not know the test: nothing is said, unless it was asked for."""

    def test_the_plan_stands(self):
        path = make(self.folder, "llama", MODELS["llama"])
        engine = self.script("echo 'usage: muster-engine TEST' >&2; exit 64") if LLAMA else ENGINE
        answer = self.fit(path, engine=engine)
        self.assertEqual((answer["exact"], answer["notes"]), (None, []))
        self.assertEqual(answer["sites"][0]["held_bytes"]["origin"], "estimated")
        self.refused(69, "built without llama.cpp", path, "--exact", engine=engine)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
