#!/usr/bin/python3
"""Hidden states and attention maps of small models: numpy reads what was written, its shape and bytes are the formula's, rows sum to
one, what lies ahead is zero; and what goes wrong is a sentence that leaves nothing behind.

test_capture.py MUSTER ENGINE SOURCE_ROOT
"""
import json
import os
import signal
import subprocess
import time

import numpy

import small_model
from trying import ENGINE, MUSTER, Trying, main

WIDTH, HEADS, LAYERS, WINDOW = 64, 4, 3, 32


class Capture(Trying):
    models = {"decoder": small_model.decoder(LAYERS, WIDTH, HEADS), "encoder": small_model.encoder(2, WIDTH, HEADS),
              "window": small_model.decoder(7, WIDTH, HEADS, window=WINDOW),
              "long": small_model.decoder(LAYERS, WIDTH, HEADS, context=1 << 18)}

    def capture(self, model, kind, layers, tokens, folder="out"):
        document = self.answer(self.model[model], "--kind", kind, "--layers", layers, "--tokens", str(tokens), "--to", folder)
        self.assertTrue(document["as_predicted"])
        self.assertEqual(document["tokens"], tokens)
        self.assertEqual(document["notes"], [])
        self.assertGreater(document["without_s"], 0)
        self.assertGreater(document["with_s"], document["copy_s"] + document["write_s"])
        self.assertAlmostEqual(document["overhead"], document["with_s"] / document["without_s"])
        arrays, folder = {}, os.path.join(self.folder, folder)
        self.assertEqual(sorted(f["file"] for f in document["files"]),
                         sorted(f for f in os.listdir(folder) if f.startswith(kind)))
        for file in document["files"]:
            path = os.path.join(folder, file["file"])
            self.assertEqual(os.path.getsize(path), file["file_bytes"])
            array = numpy.load(path)
            self.assertEqual(array.dtype, numpy.float32)
            self.assertTrue(array.flags.c_contiguous and numpy.isfinite(array).all() and file["finite"])
            self.assertEqual(array.nbytes, file["data_bytes"])
            self.assertEqual(array.nbytes, file["predicted_bytes"])
            arrays[file["layer"]] = array
        return document, arrays

    def test_hidden_states(self):
        # Of one micro-batch, and of several pieces.
        for tokens in 40, 600:
            _, arrays = self.capture("decoder", "hidden-states", "0,last", tokens, "out%d" % tokens)
            self.assertEqual({layer: a.shape for layer, a in arrays.items()}, {0: (tokens, WIDTH), 2: (tokens, WIDTH)})
            for array in arrays.values():
                self.assertEqual(array.nbytes, tokens * WIDTH * 4)
                self.assertEqual(len(numpy.unique(array, axis=0)), tokens)  # every row was written, no two alike

    def test_pieces_are_the_whole(self):
        # What a layer says of the first tokens does not depend on what comes behind them.
        _, short = self.capture("decoder", "hidden-states", "all", 500, "short")
        _, long = self.capture("decoder", "hidden-states", "all", 530, "long")
        for layer in range(LAYERS):
            numpy.testing.assert_allclose(short[layer], long[layer][:500], rtol=0.05, atol=0.05)

    def causal(self, arrays, tokens, window=()):
        for layer, array in arrays.items():
            self.assertEqual(array.shape, (HEADS, tokens, tokens))
            self.assertEqual(array.nbytes, HEADS * tokens * tokens * 4)
            numpy.testing.assert_allclose(array.sum(-1), 1, atol=1e-4)
            self.assertEqual(numpy.triu(array, 1).max(), 0)
            self.assertGreater(array[:, -1].max(), 0)
            seen = numpy.count_nonzero(array[0, -1])
            self.assertEqual(seen, WINDOW if layer in window else tokens)

    def test_attention(self):
        for tokens in 33, 600:
            document, arrays = self.capture("decoder", "attention", "all", tokens, "out%d" % tokens)
            self.assertEqual(list(arrays), [0, 1, 2])
            self.causal(arrays, tokens)
            for file in document["files"]:
                array = arrays[file["layer"]]
                self.assertAlmostEqual(file["row_sum_low"], array.sum(-1, dtype=float).min(), places=5)
                self.assertAlmostEqual(file["row_sum_high"], array.sum(-1, dtype=float).max(), places=5)

    def test_attention_through_a_window(self):
        _, arrays = self.capture("window", "attention", "1,5", 600)
        self.causal(arrays, 600, window=(1,))

    def test_attention_of_an_encoder(self):
        document, arrays = self.capture("encoder", "attention", "last", 100)
        self.assertEqual(document["prompt"], "text")
        numpy.testing.assert_allclose(arrays[1].sum(-1), 1, atol=1e-4)
        self.assertGreater(numpy.triu(arrays[1], 1).max(), 0)  # it looks ahead

    def test_synthetic_weights(self):
        document = self.answer("SmolLM2-135M", "--quant", "Q8_0", "--kind", "hidden-states", "--layers", "3", "--tokens",
                               "8", "--to", "out")
        self.assertTrue(document["synthetic"] and document["as_predicted"])
        self.assertTrue(any("synthetic weights" in note for note in document["notes"]))
        self.assertEqual(numpy.load(os.path.join(self.folder, "out", "hidden-states-003.npy")).shape, (8, 576))

    def billed(self, model, kind, layers, tokens):
        """What `muster fit` bills of such a capture: its line, and what it writes to the disk."""
        done = self.muster("fit", model, "--machine", "cpu:2 ram:64GiB disk:1TB", "--kind", kind, "--seq", str(tokens), "--precision", "fp32",
                           "--layers", layers, "--place", "disk", "--samples", "1", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        document = json.loads(done.stdout)
        name = {"hidden-states": "hidden states", "attention": "attention maps"}[kind]
        return {line["name"]: line["bytes"] for line in document["held"]}[name], document["disk_bytes"]["likely"]

    def test_as_billed(self):
        # fit counts the embeddings among the states, which llama.cpp hands out as no layer of its own: so many layers, or those named.
        cases = (("decoder", (("all", str(LAYERS)), ("0,2", "0,2"))), ("window", (("1,5", "1,5"),)), ("encoder", (("all", "2"),)))
        for model, lists in cases:
            for kind in "hidden-states", "attention":
                if (model, kind) == ("encoder", "hidden-states"):
                    continue  # an encoder's layers end in norms of another name
                for captured, asked in lists:
                    with self.subTest(model=model, kind=kind, layers=captured):
                        _, arrays = self.capture(model, kind, captured, 77, "%s-%s-%s" % (model, kind, asked))
                        payload = sum(array.nbytes for array in arrays.values())
                        self.assertEqual(self.billed(self.model[model], kind, asked, 77), (payload, payload))

    def test_text(self):
        done = self.muster("trial", self.model["decoder"], "--kind", "attention", "--to", "out")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("4 x 256 x 256", done.stdout)
        self.assertIn("as the formula says", done.stdout)

    def test_nothing_is_overwritten(self):
        command = (self.model["decoder"], "--kind", "attention", "--layers", "0,1", "--tokens", "9", "--to", "out")
        os.mkdir(os.path.join(self.folder, "out"))
        for name in "attention-001.npy", "attention-000.npy.part":
            path = os.path.join(self.folder, "out", name)
            with open(path, "w") as file:
                file.write("mine")
            self.refused(73, name + " is there already", *command)
            self.assertEqual(os.listdir(os.path.dirname(path)), [name])
            os.unlink(path)
        self.answer(*command)

    def test_refused(self):
        decoder, encoder = self.model["decoder"], self.model["encoder"]
        self.refused(64, "--to", decoder, "--kind", "attention")
        self.refused(64, "layers 0 to 2, no 3", decoder, "--kind", "attention", "--layers", "3", "--to", "out")
        self.refused(64, "more than the 512", encoder, "--kind", "attention", "--tokens", "513", "--to", "out")
        self.refused(64, "whole number", decoder, "--kind", "attention", "--tokens", "0", "--to", "out")
        self.refused(69, "no tensor l_out-1", encoder, "--kind", "hidden-states", "--to", "out")
        self.refused(66, "absent.gguf", "absent.gguf", "--kind", "attention", "--to", "out")
        # More than any machine that runs tests has: 400 billion weights, maps of a hundred thousand tokens.
        self.refused(1, "of memory with its synthetic weights", "Llama-3.1-405B", "--quant", "F16", "--kind", "attention",
                     "--to", "out")
        self.assertEqual(os.listdir(self.folder), [])

    def test_a_disk_that_is_too_small(self):
        # Maps of two hundred thousand tokens: 1.9 TB, of which the memory needed is two or three GB at a time.
        self.refused(73, "is free there", self.model["long"], "--kind", "attention", "--layers", "all", "--tokens", "200000",
                     "--to", "out")
        self.assertEqual(os.listdir(self.folder), [])

    def test_a_cut_file(self):
        path = os.path.join(self.folder, "cut.gguf")
        with open(self.model["decoder"], "rb") as file:
            whole = file.read()
        with open(path, "wb") as file:
            file.write(whole[:-4000])
        self.refused(65, "missing", path, "--kind", "attention", "--to", "out")

    def test_engines_that_fail(self):
        command = (self.model["decoder"], "--kind", "attention", "--to", "out")
        for text, status, words in (("kill -SEGV $$", 70, "SIGSEGV"), ("kill -ILL $$", 70, "SIGILL"), ("exit 64", 69, "without llama.cpp"),
                                    ("echo '{\"file\": 1}'", 70, "can't be used"),
                                    ("touch out/attention-002.npy.part; kill -ABRT $$", 70, "SIGABRT")):
            engine = self.script(text)
            self.refused(status, words, *command, engine=engine)
            os.unlink(engine)
            self.assertEqual(os.listdir(self.folder), [])
        self.refused(69, "absent", *command, engine="/absent")

    def test_an_interrupt_leaves_nothing(self):
        command = [str(MUSTER), "trial", self.model["decoder"], "--kind", "attention", "--layers", "all", "--tokens", "4096", "--to", "out"]
        child = subprocess.Popen(command, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                 env={"HOME": self.home, "PATH": "/usr/bin:/bin", "MUSTER_ENGINE": str(ENGINE)})
        out = os.path.join(self.folder, "out")
        while child.poll() is None and not (os.path.isdir(out) and any(f.endswith(".part") for f in os.listdir(out))):
            time.sleep(0.002)
        self.assertIsNone(child.poll(), "it was over before it could be interrupted")
        child.send_signal(signal.SIGINT)
        self.assertEqual(child.wait(20), -signal.SIGINT)
        self.assertEqual(os.listdir(out), [])

    def test_a_hang_ends(self):
        engine = self.script("exec sleep 60")
        self.refused(69, "did not end within", self.model["decoder"], "--kind", "attention", "--to", "out", "--timeout", "0.3",
                     engine=engine)


main()
