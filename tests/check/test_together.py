#!/usr/bin/python3
"""What is in memory at once, users and runtimes: in muster fit, and in sets of experiments.

Usage: test_together.py MUSTER.
"""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

MUSTER = pathlib.Path(sys.argv[1]).resolve()
LINE = 'cpu:8 ram:16GiB available:12GiB bandwidth:60GB/s'
SET = """name: pairs
experiments:
  - id: big
    workload: {kind: generate, model: Qwen2.5-7B, quant: Q4_K_M, context_tokens: 8192}
    together: [small]
  - id: small
    workload: {kind: serve, model: phi-3-mini, quant: Q4_K_M, context_tokens: 4096, sequences: 2}
  - id: alone
    workload: {kind: generate, model: Qwen2.5-7B, quant: Q4_K_M, context_tokens: 8192}
  - id: torch
    workload: {kind: generate, model: Llama-2-7B, runtime: transformers, dtype: fp32}
  - id: beside-nothing
    workload: {kind: generate, model: phi-3-mini, quant: Q4_K_M}
    together: [unknown-yet]
  - id: unknown-yet
    why_not: nobody knows
"""


def run(*words, files=()):
    with tempfile.TemporaryDirectory() as home:
        for name, text in files:
            (pathlib.Path(home) / name).write_text(text)
        return subprocess.run([str(MUSTER), *words], cwd=home, env={'HOME': home, 'PATH': '/usr/bin:/bin'}, capture_output=True,
                              text=True)


def fit(*words):
    answer = run('fit', *words, '--json')
    if answer.returncode not in (0, 1):
        raise AssertionError(f'{words}: {answer.stderr}')
    return json.loads(answer.stdout)


class Fit(unittest.TestCase):
    def test_what_others_hold_is_gone(self):
        words = ('Qwen2.5-7B', '--quant', 'Q4_K_M', '--machine', LINE)
        alone, beside = fit(*words), fit(*words, '--together', 'phi-3-mini')
        left = beside['sites'][0]['usable_bytes']
        self.assertEqual(alone['sites'][0]['usable_bytes'], 12 * 2**30)
        other = fit('phi-3-mini', '--quant', 'Q4_K_M', '--machine', LINE)['sites'][0]
        gone = alone['sites'][0]['usable_bytes'] - left
        self.assertAlmostEqual(gone, other['held_bytes']['likely'] + other['beside_bytes'], delta=1)
        twice = fit(*words, '--together', 'phi-3-mini', '--together', 'phi-3-mini')
        self.assertAlmostEqual(twice['sites'][0]['usable_bytes'], left - gone, delta=1)
        self.assertEqual((alone['fits'], twice['fits']), ('yes', 'no'))

    def test_the_model_itself(self):
        words = ('Qwen2.5-7B', '--quant', 'Q4_K_M', '--machine', LINE)
        for other, again in (('Qwen2.5-7B', True), ('Qwen2.5-7B:Q4_K_M', True), ('Qwen2.5-7B:Q5_K_M', False), ('phi-3-mini', False)):
            notes = fit(*words, '--together', other)['notes']
            self.assertEqual(any('is the model itself' in note for note in notes), again, other)

    def test_what_is_not_computed_is_refused(self):
        answer = run('fit', 'phi-3-mini', '--machine', LINE, '--together', 'GPT-4')
        self.assertEqual(answer.returncode, 1)
        self.assertIn('is not computed', answer.stderr)

    def test_users_and_command(self):
        words = ('Qwen2.5-7B', '--quant', 'Q4_K_M', '--machine', LINE, '--kind', 'serve', '--ctx', '4k')
        most = fit(*words)['serve']['largest_sequences']
        self.assertGreater(most, 4)
        self.assertEqual(fit(*words, '--parallel', str(int(most)))['fits'], 'yes')
        self.assertNotEqual(fit(*words, '--parallel', str(int(most) + 1))['fits'], 'yes')
        self.assertIn(' -c 16384 -np 4', run('fit', *words, '--parallel', '4').stdout)

    def test_weights_as_published(self):
        """Published in 8 or 4 bits: GB of the repositories' files, or as their owners say; predictors of further tokens are not counted."""
        line = 'cpu:64 ram:2048GiB gpu:H200 x8'
        for name, published_gb in (('DeepSeek-V3', 689), ('Kimi-K2.5', 595), ('MiniMax-M2.5', 220), ('gpt-oss-120b', 65.3)):
            document = fit(name, '--runtime', 'vllm', '--machine', line)
            weights = sum(t['bytes'] for t in document['held'] if t['group'] == 'weights')
            self.assertAlmostEqual(weights / 1e9 / published_gb, 1, delta=0.05, msg=name)
        sixteen = fit('DeepSeek-V4-Flash', '--runtime', 'vllm', '--machine', line)
        self.assertIn('compressed attention', sixteen['why'])
        nemotron = fit('nvidia/NVIDIA-Nemotron-3-Super-120B-A12B-FP8', '--runtime', 'vllm', '--machine', line)
        self.assertTrue(nemotron['why'])

    def test_dtype_auto_is_that_of_the_configuration(self):
        config = {'model_type': 'llama', 'hidden_size': 1024, 'intermediate_size': 2816, 'num_hidden_layers': 8, 'num_attention_heads': 16,
                  'num_key_value_heads': 16, 'vocab_size': 32000, 'max_position_embeddings': 4096, 'tie_word_embeddings': False}
        weights = {}
        for said in ({}, {'torch_dtype': 'bfloat16'}, {'torch_dtype': 'float32'}, {'dtype': 'float32'}, {'torch_dtype': 7}):
            for runtime in ('transformers', 'vllm'):
                answer = run('fit', 'config.json', '--machine', LINE + ' gpu:RTX 4090', '--runtime', runtime, '--json',
                             files=(('config.json', json.dumps({**config, **said})),))
                document = json.loads(answer.stdout)
                weights[runtime, str(said)] = sum(t['bytes'] for t in document['held'] if t['group'] == 'weights')
                single = runtime == 'transformers' and 'float32' in said.values()
                self.assertEqual(any('published in float32' in note for note in document['notes']), single, said)
        half = weights['transformers', '{}']
        self.assertEqual(weights['transformers', "{'torch_dtype': 'float32'}"], 2 * half)
        self.assertEqual(weights['transformers', "{'dtype': 'float32'}"], 2 * half)
        # vLLM makes 16 bits of float32 (vllm/config/model.py)
        self.assertEqual({w for key, w in weights.items() if 'float32' not in key[1]} | {weights['vllm', "{'dtype': 'float32'}"]}, {half})

    def test_speed_is_not_made_up(self):
        for runtime in ('transformers', 'vllm'):
            document = fit('Qwen2.5-7B', '--machine', LINE + ' gpu:RTX 4090', '--runtime', runtime)
            self.assertIsNone(document['decode_tokens_per_s']['likely'])
            self.assertIn(runtime.lower(), document['decode_tokens_per_s']['why'].lower())

    def test_names_that_need_quotes_go_into_no_command(self):
        config = {'architectures': ['LlamaForCausalLM'], 'model_type': 'llama', 'hidden_size': 256, 'num_hidden_layers': 2,
                  'num_attention_heads': 4, 'intermediate_size': 512, 'vocab_size': 1000, 'max_position_embeddings': 2048}
        with tempfile.TemporaryDirectory() as folder:
            model = pathlib.Path(folder) / "x'); print('y"
            model.mkdir()
            (model / 'config.json').write_text(json.dumps(config))
            screen = run('fit', str(model), '--machine', LINE, '--runtime', 'transformers').stdout
        self.assertIn("from_pretrained('MODEL',", screen)

    def test_refusals(self):
        for words in (('--runtime', 'vllm', '--quant', 'Q8_0'), ('--runtime', 'word'), ('--runtime', 'ollama', '--exact')):
            answer = run('fit', 'Qwen2.5-7B', '--machine', LINE, *words)
            self.assertEqual(answer.returncode, 64, words)


class Sets(unittest.TestCase):
    def check(self, text, line=LINE):
        return run('check', '--machine', line, '--no-save', '-e', 'set.yaml', files=[('set.yaml', text)])

    def test_together(self):
        screen = ' '.join(self.check(SET, LINE.replace('12GiB', '10GiB')).stdout.split())
        self.assertRegex(screen, r'with small \([\d.]+ GiB\) together')
        # 10 GiB hold either, not both; 12 do
        self.assertRegex(screen, r'big no')
        self.assertRegex(screen, r'alone yes')
        self.assertRegex(' '.join(self.check(SET).stdout.split()), r'big yes')
        self.assertRegex(screen, r'torch no Llama-2-7b-hf fp32')
        self.assertRegex(screen, r'unknown-yet, which it runs together with, is not computed')

    def test_unknown_names_are_refused(self):
        answer = self.check(SET.replace('[small]', '[smal]'))
        self.assertNotIn(answer.returncode, (0, 1))
        self.assertRegex(answer.stderr, r'names smal, which is not in it; there are: big, small')


unittest.main(argv=sys.argv[:1])
