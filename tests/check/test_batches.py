#!/usr/bin/python3
"""Sequences that decode together, held against published batches: tokens a second of a prompt that llama.cpp takes in micro-batches of so
many tokens, which is the work of as many sequences that decode at once (their caches aside, which the prompt's tokens share). No
constant was fitted on these rows; that reading hides the multiplying behind it was chosen on them. With --write the page docs/measured/batches.md is made anew.

test_batches.py MUSTER SOURCE_ROOT [--write]
"""
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import unittest

MUSTER, ROOT = (pathlib.Path(path).resolve() for path in sys.argv[1:3])
# (card, weights, source, {tokens at once: tokens a second}); as the pull requests give them for their own state of the code.
PUBLISHED = [
    ("RTX 3090", "Q4_0", "ggml-org/llama.cpp#15802, llama 8B, pp512, flash attention",
     {2: 279.89, 3: 390.96, 4: 470.48, 5: 509.70, 6: 541.57, 7: 559.30, 8: 583.77}),
    ("RTX 4090", "F16", "ggml-org/llama.cpp#15131, llama 8B BF16, pp512, flash attention",
     {2: 124.32, 3: 185.23, 4: 246.37, 5: 304.10, 6: 363.19, 7: 420.78, 8: 485.16, 9: 529.01}),
    ("RTX 4090", "Q4_0", "ggml-org/llama.cpp#7676, llama 8B, pp512", {16: 1937.21, 32: 3427.61, 64: 5420.10}),
]
DEPTH, PROMPT = 128, 128  # decoding stands behind both: half of 512 on average


def said(card, quant, sequences):
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run([MUSTER, "fit", "Llama-3.1-8B", "-q", quant, "--kind", "serve", "--ctx", str(DEPTH + PROMPT), "--depth", str(DEPTH),
                               "--prompt", str(PROMPT), "--parallel", str(sequences), "--machine", f"cpu:16 ram:64GiB gpu:{card}", "--json"],
                              capture_output=True, text=True, timeout=60, check=True, env={"HOME": home, "PATH": "/usr/bin:/bin"})
    return json.loads(done.stdout)["serve"]["together_tokens_per_s"]


def rows():
    for card, quant, source, figures in PUBLISHED:
        for sequences, published in figures.items():
            yield card, quant, source, sequences, published, said(card, quant, sequences)


class Batches(unittest.TestCase):
    def test_published_batches(self):
        all_rows = list(rows())
        errors = [abs(e["likely"] / published - 1) for *_, published, e in all_rows]
        inside = sum(e["low"] <= published <= e["high"] for *_, published, e in all_rows)
        told = [(card, quant, n, published, round(e["likely"])) for card, quant, _, n, published, e in all_rows]
        self.assertLess(statistics.median(errors), 0.2, told)
        self.assertLess(max(errors), 0.5, told)
        self.assertGreaterEqual(inside / len(all_rows), 0.8, told)


def page():
    all_rows = list(rows())
    errors = sorted(abs(e["likely"] / published - 1) for *_, published, e in all_rows)
    inside = sum(e["low"] <= published <= e["high"] for *_, published, e in all_rows)
    lines = ["# Sequences that decode together", "",
             "Made by `tests/check/test_batches.py MUSTER ROOT --write`; do not edit. Published are tokens a second of prompts that llama.cpp takes in",
             "micro-batches of so many tokens; beside them what `muster fit --kind serve` says of as many sequences at once. No constant was fitted on",
             "these rows; that the lesser of reading and multiplying hides behind the other was chosen on them (their sum: 2 of 18 inside the range).",
             "Left out: what caches of their own cost, which the tokens of one prompt share.", "",
             f"{len(all_rows)} rows, median {100 * statistics.median(errors):.0f} %, worst {100 * errors[-1]:.0f} %, {inside} inside the printed range.", "",
             "| card | weights | at once | published | said | range | source |", "|---|---|---|---|---|---|---|"]
    lines += [f"| {card} | {quant} | {n} | {published:.0f} | {e['likely']:.0f} | {e['low']:.0f} to {e['high']:.0f} | {source} |"
              for card, quant, source, n, published, e in all_rows]
    (ROOT / "docs" / "measured" / "batches.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    if sys.argv[3:] == ["--write"]:
        page()
    else:
        unittest.main(argv=sys.argv[:1])
