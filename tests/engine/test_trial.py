#!/usr/bin/python3
"""muster trial with the real engine on models small enough, and with engines made of shell scripts that fail in every way.

test_trial.py MUSTER ENGINE SOURCE_ROOT. Times are never judged: only that they are there, and what memory is to the byte. An engine
without llama.cpp runs what needs none, and says that it is without.
"""
import fcntl
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import jsonschema

import small_model

MUSTER, ENGINE, ROOT = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), pathlib.Path(sys.argv[3])
SCHEMA = json.loads((ROOT / "docs" / "schema" / "trial-1.json").read_text())
LLAMA = b"\n  trial " in subprocess.run([ENGINE, "--help"], capture_output=True).stdout
SMALL = ("SmolLM2-135M", "--quant", "Q8_0", "--ctx", "1k", "--tokens", "4", "--reps", "1", "--quick")
needs_llama = unittest.skipUnless(LLAMA, "the engine is without llama.cpp")

RESIDENT = {"bytes": 1, "own_bytes": 1, "file_bytes": 0, "shared_bytes": 0, "peak_bytes": 1}
SPREAD = {"low": 1, "likely": 1, "high": 1, "runs": 1}
ANSWER = json.dumps({"llama": "llama.cpp", "load_s": 1, "context_s": 0, "warm_up_s": 0, "read_bytes": 0, "prefill_s": SPREAD,
                     "decode_s": SPREAD, "before": RESIDENT, "resident": RESIDENT, "conditions": "idle",
                     "buffers": [{"buffer": "CPU", "device": "", "host": True, "model_bytes": 1, "context_bytes": 1,
                                  "compute_bytes": 1}]})


class Trial(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.home = cls.folder.name
        cls.model = os.path.join(cls.home, "small.gguf")
        if LLAMA:
            small_model.make(ENGINE, cls.model, small_model.decoder(layers=6, width=256, vocabulary=512))
        else:
            head, data_bytes = small_model.decoder(layers=6, width=256, vocabulary=512)
            pathlib.Path(cls.model).write_bytes(head + b"\0" * data_bytes)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def environment(self, engine=ENGINE):
        return {"HOME": self.home, "XDG_STATE_HOME": self.home + "/state", "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8",
                "MUSTER_ENGINE": engine}

    def muster(self, *args, engine=ENGINE, **more):
        return subprocess.run([MUSTER, "trial", *args], cwd=self.home, env=self.environment(engine), capture_output=True,
                              text=True, timeout=100, **more)

    def trial(self, *args):
        done = self.muster(*args, "--json")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        answer = json.loads(done.stdout)
        jsonschema.validate(answer, SCHEMA)
        self.assertTrue(answer["ran"])
        return answer, {row["what"]: row for row in answer["rows"]}

    def samples(self):
        (path,) = (pathlib.Path(self.home) / "state" / "muster").glob("samples-*.json")
        return json.loads(path.read_text())["samples"]

    def fake(self, script):
        path = os.path.join(self.home, "fake-engine")
        pathlib.Path(path).write_text("#!/bin/sh\n" + script + "\n")
        os.chmod(path, 0o755)
        return path

    def equal_to_the_byte(self, rows, *names):
        for name in names:
            self.assertEqual(rows[name]["predicted"]["likely"], rows[name]["measured"], name)
            self.assertGreater(rows[name]["measured"], 0)

    # ---- the real thing

    @needs_llama
    def test_a_file_runs_whole(self):
        answer, rows = self.trial(self.model, "--ctx", "1k", "--no-mmap", "--tokens", "5", "--reps", "2", "--quick")
        self.assertEqual(answer["how"], "whole file")
        self.equal_to_the_byte(rows, "weights", "KV cache", "compute buffer")
        (run,) = answer["runs"]
        self.assertEqual(sum(b["model_bytes"] for b in run["buffers"]), rows["weights"]["measured"])
        self.assertEqual((run["prefill_s"]["runs"], run["decode_s"]["runs"], run["layers"]), (2, 5, 6))
        for name in "prefill", "decode", "load":
            self.assertGreater(rows[name]["measured"], 0)
            self.assertLessEqual(rows[name]["low"], rows[name]["measured"])
            self.assertLessEqual(rows[name]["measured"], rows[name]["high"])
        self.assertGreater(run["resident"]["peak_bytes"], rows["weights"]["measured"])
        self.assertRegex(run["conditions"], "^(idle|busy: .+)")
        sample = self.samples()[-1]
        self.assertEqual((sample["model"], sample["kind"], sample["how"], sample["mmap"], sample["prompt_tokens"]),
                         ("small decoder", "generate", "whole file", False, 512))
        self.assertEqual(sample["measured"]["decode_per_s"], rows["decode"]["measured"])
        self.assertEqual(sample["measured"]["resident_bytes"], run["resident"]["peak_bytes"])

    @needs_llama
    def test_a_mapped_file_is_said_to_be_a_stretch(self):
        answer, rows = self.trial(self.model, "--ctx", "1k", "--tokens", "2", "--reps", "1", "--quick")
        self.equal_to_the_byte(rows, "KV cache", "compute buffer")
        if "weights" in rows:
            self.equal_to_the_byte(rows, "weights")
        self.assertGreaterEqual(rows["weights, mapped"]["measured"], rows["weights, mapped"]["predicted"]["likely"])
        text = self.muster(self.model, "--ctx", "1k", "--tokens", "2", "--reps", "1", "--quick").stdout
        self.assertEqual("a stretch: llama.cpp counts" in text, rows["weights, mapped"]["stretch"])
        self.assertRegex(text, r"\n  KV cache +\S+ \S+ +\S+ \S+ +none\n")
        self.assertIn("kept as a sample of this machine in ", text)

    @needs_llama
    def test_settings_reach_llama(self):
        for more in (["--kv-type", "q8_0"], ["--repack", "off"], ["--parallel", "2"], ["--ubatch", "128"],
                     ["--flash-attention", "off"]):
            _, rows = self.trial(self.model, "--ctx", "2k", "--no-mmap", "--tokens", "1", "--reps", "1", "--quick", *more)
            self.equal_to_the_byte(rows, "weights", "KV cache", "compute buffer")

    @needs_llama
    def test_depth_and_threads(self):
        answer, rows = self.trial(self.model, "--ctx", "1k", "--depth", "200", "--prompt", "100", "--threads", "1", "--tokens", "3",
                                  "--reps", "2", "--quick")
        self.assertEqual((answer["depth_tokens"], answer["prompt_tokens"], answer["threads"]), (200, 100, 1))
        (run,) = answer["runs"]
        self.assertEqual((run["prefill_s"]["runs"], run["decode_s"]["runs"]), (2, 3))
        self.assertEqual(rows["prefill"]["measured"], 100 / run["prefill_s"]["likely"])
        sample = self.samples()[-1]
        self.assertEqual((sample["depth_tokens"], sample["prompt_tokens"], sample["threads"]), (200, 100, 1))

    @needs_llama
    def test_a_name_runs_as_two_cuts(self):
        answer, rows = self.trial(*SMALL, "--no-mmap")
        self.assertEqual(answer["how"], "cuts of 4 and 8 of 30 layers")
        self.assertEqual([run["layers"] for run in answer["runs"]], [4, 8])
        self.equal_to_the_byte(rows, "weights", "KV cache", "compute buffer")
        self.assertNotIn("load", rows)
        weights = [sum(b["model_bytes"] for b in run["buffers"]) for run in answer["runs"]]
        self.assertGreater(weights[1], weights[0])
        self.assertGreater(answer["touch_bytes"], 0)
        self.assertLess(answer["touch_bytes"], answer["model"]["weight_bytes"])
        faster = answer["runs"][1]["prefill_s"]
        if rows["prefill"]["measured"]:  # else the machine was too busy for anything to follow, which is said
            self.assertLess(rows["prefill"]["measured"], answer["prompt_tokens"] / faster["likely"])
        else:
            self.assertTrue(any("were not slower" in note for note in answer["notes"]))
        text = self.muster(*SMALL).stdout
        self.assertIn("extrapolated from 4 and 8 of 30 layers", " ".join(text.split()))

    @needs_llama
    def test_a_header_alone_is_as_good_as_a_name(self):
        path = os.path.join(self.home, "header.gguf")
        pathlib.Path(path).write_bytes(small_model.decoder(layers=12, width=256, vocabulary=512)[0])
        done = self.muster(path, "--ctx", "1k", "--tokens", "2", "--reps", "1", "--quick", "--json")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(json.loads(done.stdout)["how"], "cuts of 4 and 8 of 12 layers")

    @needs_llama
    def test_an_encoder_reads_and_does_not_write(self):
        answer, rows = self.trial("all-MiniLM-L6-v2", "--quant", "F16", "--no-mmap", "--reps", "1", "--quick")
        self.assertEqual(answer["how"], "all layers, random weights")
        self.assertNotIn("decode", rows)
        self.assertGreater(rows["prefill"]["measured"], 0)

    @needs_llama
    def test_bad_weights_are_refused_by_name(self):
        path = os.path.join(self.home, "broken.gguf")
        raw = bytearray(pathlib.Path(self.model).read_bytes())
        at = raw.index(b"no_vocab")
        raw[at:at + 8] = b"rubbish!"
        pathlib.Path(path).write_bytes(raw)
        done = self.muster(path, "--ctx", "1k", "--quick")
        self.assertEqual((done.returncode, done.stdout), (65, ""))
        self.assertIn("llama.cpp does not load the model", done.stderr)

    @needs_llama
    def test_the_engine_refuses_what_it_cannot_mean(self):
        good = {"threads": 1, "file": self.model, "tokens": 1, "reps": 1, "prompt_tokens": 8}
        for key, value in (("file", None), ("file", ""), ("file", 3), ("context_tokens", 0), ("context_tokens", 1.5),
                           ("kv_type_k", 4), ("kv_type_v", 1000), ("flash_attention", "maybe"), ("flash_attention", True),
                           ("mmap", 1), ("repack", "on"), ("fill", 1), ("reps", 0), ("tokens", 5000), ("touch_bytes", 1e12),
                           ("touch_bytes", -1), ("depth_tokens", -1), ("threads", 600), ("sequences", 0), ("prompt_tokens", "8")):
            done = subprocess.run([ENGINE, "trial"], input=json.dumps({**good, key: value}).encode(), capture_output=True, timeout=20)
            self.assertEqual((done.returncode, done.stdout), (65, b""), (key, value))
            self.assertRegex(done.stderr.decode(), f'"{key}"|KV cache')
        done = subprocess.run([ENGINE, "trial"], input=json.dumps({**good, "file": "/nowhere"}).encode(), capture_output=True, timeout=20)
        self.assertEqual(done.returncode, 65)

    # ---- the budget, the lock

    def test_what_would_not_fit_is_not_run(self):
        engine = self.fake("touch ran; exit 70")
        done = self.muster("Llama-3.1-405B", "--quant", "F16", "--quick", engine=engine)
        self.assertEqual((done.returncode, done.stderr), (1, ""))
        self.assertRegex(" ".join(done.stdout.split()),
                         r"^Not run: even a cut of 8 layers needs more memory than there is, \d+ GiB of \S+ \S+,")
        # A file, a hole for the most part, with a context that no machine holds (2 TB); the engine is not even started.
        path = os.path.join(self.home, "wide.gguf")
        head, data_bytes = small_model.decoder(layers=64, width=1024)
        pathlib.Path(path).write_bytes(head)
        os.truncate(path, len(head) + data_bytes)
        done = self.muster(path, "--ctx", "16M", "--quick", "--json", engine=engine)
        self.assertEqual((done.returncode, done.stderr), (1, ""))
        answer = json.loads(done.stdout)
        jsonschema.validate(answer, SCHEMA)
        self.assertEqual((answer["ran"], answer["runs"], answer["rows"]), (False, [], []))
        self.assertGreater(answer["needs_bytes"], answer["usable_bytes"])
        self.assertFalse(os.path.exists(os.path.join(self.home, "ran")))

    def test_two_at_once_take_turns(self):
        engine = self.fake("mkdir busy || echo both >> overlap\nsleep 0.3\nrmdir busy\ncat <<'END'\n" + ANSWER + "\nEND")
        children = [subprocess.Popen([MUSTER, "trial", self.model, "--quick", "--json"], cwd=self.home,
                                     env=self.environment(engine), stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(3)]
        for child in children:
            out, talk = child.communicate(timeout=60)
            self.assertEqual((child.returncode, talk), (0, b""))
            self.assertTrue(json.loads(out)["ran"])
        self.assertFalse(os.path.exists(os.path.join(self.home, "overlap")))

    def test_a_kill_lets_the_next_one_run(self):
        os.makedirs(self.home + "/state/muster", exist_ok=True)
        engine = self.fake("echo $$ > pid; exec sleep 60")
        child = subprocess.Popen([MUSTER, "trial", self.model, "--quick"], cwd=self.home, env=self.environment(engine),
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        pid = pathlib.Path(self.home, "pid")
        deadline = time.monotonic() + 30
        while not (pid.exists() and pid.read_text().strip()) and time.monotonic() < deadline:
            time.sleep(0.02)
        child.send_signal(signal.SIGTERM)
        self.assertEqual(child.wait(timeout=30), -signal.SIGTERM)
        with self.assertRaises(ProcessLookupError):
            os.kill(int(pid.read_text()), 0)
        with open(self.home + "/state/muster/measure.lock", "a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

    # ---- engines that fail

    def test_every_failure_is_a_sentence_and_a_status(self):
        say = "cat <<'END'\n" + ANSWER + "\nEND\n"
        for script, status, words in (
                ("kill -ILL $$", 70, "SIGILL (illegal instruction)"), ("kill -ABRT $$", 70, "SIGABRT"),
                ("kill -SEGV $$", 70, "SIGSEGV"), ("kill -KILL $$", 70, "SIGKILL"), (say + "kill -ILL $$", 70, "SIGILL"),
                ("exec sleep 60", 69, "muster-engine "), ("echo rubbish", 70, "can't be used"), ("true", 70, "said nothing"),
                (say + say, 70, "one line"), ("yes '{}'", 70, "can't be used"), ("head -c 100000000 /dev/zero", 70, "can't be used"),
                ("exit 64", 69, "built without llama.cpp"),
                ("echo 'the llama.cpp found is 9.9.9, but this program was built for 0.5.0' >&2; exit 69", 69, "9.9.9"),
                ("echo 'it will not load' >&2; exit 65", 65, "it will not load"),
                (say.replace('"load_s": 1', '"load_s": -1'), 70, "times cannot be"),
                (say.replace('"model_bytes": 1', '"model_bytes": 1e300'), 70, "memory cannot be")):
            done = self.muster(self.model, "--quick", "--timeout", "2", engine=self.fake(script))
            self.assertEqual((done.returncode, done.stdout), (status, ""), (script, done.stderr))
            self.assertIn(words, done.stderr, script)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        done = self.muster(self.model, "--quick", engine="/nowhere/muster-engine")
        self.assertEqual((done.returncode, done.stdout), (69, ""))

    def test_without_llama(self):
        if not LLAMA:
            done = self.muster(self.model, "--quick")
            self.assertEqual((done.returncode, done.stdout), (69, ""))
            self.assertIn("built without llama.cpp", done.stderr)

    def test_requests_that_cannot_be_meant(self):
        for args, status, words in (
                (["--tokens", "0"], 64, "--tokens"), (["--tokens", "1.5"], 64, "--tokens"), (["--tokens", "9999"], 64, "--tokens"),
                (["--reps", "65"], 64, "--reps"), (["--timeout", "0"], 64, "--timeout"), (["--kind", "sing"], 64, "--kind"),
                (["--layers", "all"], 64, "go with --kind"), (["--kind", "embed", "--to", "x"], 64, "go with --kind"),
                (["--ctx", "1k", "--prompt", "1k"], 64, "do not go into a context"),
                (["--ctx", "1k", "--depth", "1k", "--prompt", "1"], 64, "do not go into a context"),
                (["--threads", "513"], 64, "--threads"),
                (["--quant", "Q4_K_M"], 64, "leave --quant out"),
                (["--root", str(ROOT / "tests" / "machines" / "raspberry-pi")], 64, "only be run on this machine")):
            done = self.muster(self.model, "--quick", *args, engine="/bin/false")
            self.assertEqual((done.returncode, done.stdout), (status, ""), (args, done.stderr))
            self.assertIn(words, done.stderr)
        for args, status in ((["nothing-like-a-model"], 66), (["/nowhere/at.gguf"], 66), ([], 64)):
            done = self.muster(*args, "--quick", engine="/bin/false")
            self.assertEqual((done.returncode, done.stdout), (status, ""), (args, done.stderr))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
