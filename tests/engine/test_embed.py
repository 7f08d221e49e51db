#!/usr/bin/python3
"""The guide's embedding test with the real engine: a hundred sentences through small encoders, its outcomes, and `check` that finds one in a
cache and keeps what came out.

test_embed.py MUSTER ENGINE SOURCE_ROOT
"""
import json
import os
import shutil

import small_model
from trying import ENGINE, Trying, main


class Embed(Trying):
    models = {"mean": small_model.encoder(), "wordless": small_model.encoder(words=False), "silent": small_model.encoder(pooling=None),
              "cls": small_model.encoder(pooling=2), "ranker": small_model.encoder(pooling=4),
              "short": small_model.encoder(context=16), "decoder": small_model.decoder()}

    def test_success(self):
        for name, pooling, prompt in (("mean", "mean", "text"), ("wordless", "mean", "random tokens"), ("silent", "mean", "text"),
                                      ("cls", "cls", "text"), ("decoder", "mean", "random tokens")):
            with self.subTest(name):
                document = self.answer(self.model[name], "--kind", "embed")
                self.assertEqual((document["outcome"], document["why"]), ("SUCCESS", None))
                self.assertEqual((document["pooling"], document["prompt"]), (pooling, prompt))
                self.assertEqual((document["sentences"], document["width"], document["limit_s"]), (100, 64, 30))
                self.assertGreater(document["differ"], 50)
                self.assertGreater(document["tokens"], 100 * 5)
                self.assertLess(document["baseline_bytes"], document["loaded_bytes"])
                self.assertLessEqual(document["loaded_bytes"], document["peak_bytes"])
                self.assertAlmostEqual(document["sentences_per_s"], 100 / document["encode_s"])

    def test_a_short_context_cuts_sentences(self):
        document = self.answer(self.model["short"], "--kind", "embed")
        self.assertEqual(document["outcome"], "SUCCESS")
        self.assertLessEqual(document["tokens"], 100 * 16)

    def test_text(self):
        done = self.muster("trial", self.model["mean"], "--kind", "embed")
        self.assertEqual(done.returncode, 0, done.stderr)
        for words in "SUCCESS: loaded in", "100 sentences", "before", "at the peak", "30 s, the guide's":
            self.assertIn(words, " ".join(done.stdout.split()))

    def test_synthetic_weights(self):
        document = self.answer("all-MiniLM-L6-v2", "--quant", "Q8_0", "--kind", "embed")
        self.assertEqual((document["outcome"], document["width"], document["synthetic"]), ("SUCCESS", 384, True))

    def test_failures(self):
        document = self.answer(self.model["ranker"], "--kind", "embed", status=1)
        self.assertEqual(document["outcome"], "FAIL")
        self.assertIsNone(document["peak_bytes"])
        document = self.answer("Llama-3.1-405B", "--quant", "F16", "--kind", "embed", status=1)
        self.assertEqual(document["outcome"], "FAIL")
        self.assertRegex(document["why"], r"needs \d.* of memory.* can be used here")
        command = (self.model["mean"], "--kind", "embed")
        self.refused(70, "ERROR: muster-engine was killed by SIGSEGV", *command, engine=self.script("kill -SEGV $$"))
        self.refused(69, "SKIP: this muster-engine was built without llama.cpp", *command, engine=self.script("exit 64"))
        self.refused(66, "absent.gguf", "absent.gguf", "--kind", "embed")

    def check(self, home, *words, engine=ENGINE):
        done = self.muster("check", "--no-save", *words, engine=engine, home=home)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        text = " ".join(done.stdout.split())
        return text.partition("The guide's embedding test: ")[2].partition(")")[0] if "embedding test" in text else None

    def test_check(self):
        # An engine that only embeds: the measurements of check are others' to test.
        engine = self.script('case $1 in embed) exec "%s" embed;; esac; echo "{\\"note\\": \\"nothing\\"}"' % ENGINE)
        home = os.path.join(self.folder, "home")
        hub = os.path.join(home, ".cache", "huggingface", "hub", "models--org--small", "snapshots", "0123")
        os.makedirs(hub)
        shutil.copy(self.model["decoder"], os.path.join(hub, "a.gguf"))
        shutil.copy(self.model["ranker"], os.path.join(hub, "b.gguf"))
        self.assertIsNone(self.check(home, engine=engine))  # none that embeds
        shutil.copy(self.model["mean"], os.path.join(hub, "c.gguf"))
        self.assertIsNone(self.check(home, "--quick", engine=engine))
        first = self.check(home, engine=engine)
        self.assertRegex(first, r"^SUCCESS: loaded in .* 100 sentences .* \(small encoder, just now$")
        again = self.check(home, "--quick", engine=engine)
        self.assertEqual(again.split(" (")[0], first.split(" (")[0])
        self.assertRegex(again, r"kept from \d{4}-\d\d-\d\d")
        (kept,) = [f for f in os.listdir(os.path.join(home, ".local", "state", "muster")) if f.startswith("embedding-")]
        with open(os.path.join(home, ".local", "state", "muster", kept)) as file:
            self.assertEqual(json.load(file)["schema"], "embedding-kept/1")
        os.unlink(os.path.join(hub, "c.gguf"))
        self.assertIsNone(self.check(home, "--quick", engine=engine))  # its model is gone


main()
