#!/usr/bin/python3
"""Synthetic GGUF files of catalogue models: llama.cpp itself loads the header of one model of every architecture that is computed, and
what muster plans for it is what llama.cpp would take, to the byte; a file filled with random weights runs.

    test_synthetic.py ENGINE MAKE_MODEL MEMORY_FIGURES SOURCE_ROOT"""
import json
import os
import subprocess
import sys
import tempfile
import unittest

ENGINE, MAKE_MODEL, MEMORY_FIGURES, ROOT = sys.argv[1:5]
QUANT = 'Q4_K_M'


def table(name):
    with open(os.path.join(ROOT, 'data', name), encoding='utf-8') as f:
        return json.load(f)['entries']


def smallest_models():
    """One model of each architecture: (architecture, catalogue row)."""
    rows = {}
    names = {name: a for a in table('architectures.json') for name in [a['name'], *a['aliases']]}
    for model in table('models.json'):
        a = names.get(model['arch'])
        if not a or a['unruled'] or not model.get('shape'):
            continue
        best = rows.get(a['name'])
        if not best or model['params_total'] < best[1]['params_total']:
            rows[a['name']] = (a, model)
    return [rows[name] for name in sorted(rows)]


def engine(test, **request):
    done = subprocess.run([ENGINE, test], input=json.dumps(request), capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stderr, [json.loads(line) for line in done.stdout.splitlines()]


class Synthetic(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.file = os.path.join(self.folder.name, 'model.gguf')

    def make(self, *words):
        done = subprocess.run([MAKE_MODEL, *words], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return float(done.stdout)

    def exact(self, name, context, encoder, **more):
        request = {'file': self.file, 'threads': 1, 'context_tokens': context, 'outputs_max': 0 if encoder else 1, **more}
        status, talk, answers = engine('exact', embeddings=encoder, **request)
        self.assertEqual(status, 0, f'{name}: {talk}')
        total = answers[-1]['output_bytes']
        return total + sum(b['model_bytes'] + b['context_bytes'] + b['compute_bytes'] for b in answers[-1]['buffers'])

    def planned(self, name, *knobs):
        done = subprocess.run([MEMORY_FIGURES, name, QUANT, *knobs], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, f'{name}: {done.stderr}')
        return json.loads(done.stdout)

    def test_every_architecture_loads_and_is_planned_to_the_byte(self):
        models = smallest_models()
        self.assertGreater(len(models), 30)
        for architecture, model in models:
            name = model['hf_id']
            encoder = architecture['encoder']
            context = int(min(model.get('max_context', 4096), 4096))
            with self.subTest(architecture=architecture['name'], model=name):
                self.make(name, QUANT, self.file, '--bare', '--header-only')
                for flash in ('auto', 'off'):
                    exact = self.exact(name, context, encoder, repack=False, flash_attention=flash)
                    ours = self.planned(name, f'context_tokens={context}', 'repack=off', f'flash_attention={flash}')
                    if architecture['checked']:
                        self.assertEqual(ours['plan']['total'], exact)
                    for form in ('plan', 'closed'):
                        self.assertLess(abs(ours[form]['total'] / exact - 1), 0.03, form)

    def test_a_vocabulary_of_words_loads_too(self):
        for name in ('SmolLM2-135M', 'all-MiniLM-L6-v2'):
            self.make(name, QUANT, self.file, '--bare', '--header-only')
            bare = self.exact(name, 512, 'MiniLM' in name)
            self.make(name, QUANT, self.file, '--header-only')
            self.assertEqual(self.exact(name, 512, 'MiniLM' in name), bare)

    def test_a_filled_cut_is_really_loaded(self):
        for quant in ('Q4_K_M', 'IQ4_XS', 'Q2_K', 'BF16'):
            with self.subTest(quant=quant):
                size = self.make('SmolLM2-135M', quant, self.file, '--layers', '4', ENGINE)
                self.assertEqual(os.path.getsize(self.file), size)
                self.exact(quant, 256, False, real=True)
                with open(self.file, 'rb') as f:
                    f.seek(-4096, os.SEEK_END)
                    self.assertNotEqual(f.read(), bytes(4096))

    def test_what_is_no_header_is_refused(self):
        with open(self.file, 'wb') as f:
            f.write(b'GGUF and nothing else')
        for request, status in (({'file': self.file}, 65), ({'file': self.file + '-not-there'}, 66), ({}, 65)):
            have, talk, _ = engine('fill', **request)
            self.assertEqual(have, status, talk)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
