#!/usr/bin/python3
"""What PyTorch really takes for a model laid out as transformers does it, beside muster's bill for transformers on the CPU.

Usage: test_transformers_bill.py MUSTER. A small decoder with grouped queries is written here with PyTorch's own operations, one for
one as modeling_llama.py of transformers 4.57 does them with eager attention: it reads a prompt that fills its context, then writes a few
tokens. Resident memory is read before and behind, and its peak between. Without PyTorch it is skipped.
"""
import ctypes
import json
import math
import pathlib
import subprocess
import sys
import tempfile

SKIPPED = 77
MUSTER = pathlib.Path(sys.argv[1]).resolve()
CONTEXT, WRITTEN, WARM = 1536, 2, 256
LAYERS, WIDTH, HEADS, KV_HEADS, HEAD, FFN, VOCABULARY = 3, 1024, 8, 2, 128, 2816, 16000
MIB = 2 ** 20
M_MMAP_THRESHOLD = -3  # <malloc.h>


def billed():
    """Bytes by the names of the bill's lines."""
    config = {'architectures': ['LlamaForCausalLM'], 'model_type': 'llama', 'hidden_size': WIDTH, 'num_hidden_layers': LAYERS,
              'num_attention_heads': HEADS, 'num_key_value_heads': KV_HEADS, 'head_dim': HEAD, 'intermediate_size': FFN,
              'vocab_size': VOCABULARY, 'max_position_embeddings': 4096, 'tie_word_embeddings': False, 'rms_norm_eps': 1e-5,
              'hidden_act': 'silu', 'rope_theta': 10000.0, 'torch_dtype': 'float32'}
    with tempfile.TemporaryDirectory() as home:
        (pathlib.Path(home) / 'config.json').write_text(json.dumps(config))
        run = subprocess.run([str(MUSTER), 'fit', home, '--machine', 'cpu:2 ram:64GiB', '--runtime', 'transformers', '--dtype', 'fp32',
                              '--flash-attention', 'off', '--ctx', str(CONTEXT), '--json'], cwd=home,
                             env={'HOME': home, 'PATH': '/usr/bin:/bin'}, capture_output=True, text=True)
    if run.returncode:
        raise SystemExit(f'muster fit: {run.stderr}')
    document = json.loads(run.stdout)
    return {line['name']: line['bytes'] for line in document['held']}


def status(key):
    for line in open('/proc/self/status'):
        if line.startswith(key + ':'):
            return int(line.split()[1]) * 1024
    raise SystemExit(f'no {key} in /proc/self/status')


def forget_peak():
    with open('/proc/self/clear_refs', 'w') as file:
        file.write('5')


class Model:
    def __init__(self, torch):
        def matrix(rows, columns):
            return torch.empty(rows, columns).normal_(0, 0.02)
        self.torch = torch
        self.embedding, self.output = matrix(VOCABULARY, WIDTH), matrix(VOCABULARY, WIDTH)
        self.norm = torch.ones(WIDTH)
        self.layer = [{'q': matrix(HEADS * HEAD, WIDTH), 'k': matrix(KV_HEADS * HEAD, WIDTH), 'v': matrix(KV_HEADS * HEAD, WIDTH),
                       'o': matrix(WIDTH, HEADS * HEAD), 'gate': matrix(FFN, WIDTH), 'up': matrix(FFN, WIDTH),
                       'down': matrix(WIDTH, FFN), 'before': torch.ones(WIDTH), 'behind': torch.ones(WIDTH)} for _ in range(LAYERS)]
        self.cache = [None] * LAYERS

    def normed(self, x, weight):
        return weight * (x * self.torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5))

    def rotated(self, x, start):
        torch = self.torch
        angle = torch.outer(torch.arange(start, start + x.shape[-2]).float(),
                            1 / 10000 ** (torch.arange(0, HEAD, 2).float() / HEAD))
        angle = torch.cat((angle, angle), -1)
        turned = torch.cat((-x[..., HEAD // 2:], x[..., :HEAD // 2]), -1)
        return x * angle.cos() + turned * angle.sin()

    def attended(self, x, at, start):
        torch, w = self.torch, self.layer[at]
        heads = [torch.nn.functional.linear(x, w[name]).view(1, x.shape[1], -1, HEAD).transpose(1, 2) for name in 'qkv']
        query, key, value = heads
        del heads
        query, key = self.rotated(query, start), self.rotated(key, start)
        if self.cache[at] is not None:
            key = torch.cat((self.cache[at][0], key), -2)
            value = torch.cat((self.cache[at][1], value), -2)
        self.cache[at] = (key, value)
        keys = key.repeat_interleave(HEADS // KV_HEADS, 1)
        values = value.repeat_interleave(HEADS // KV_HEADS, 1)
        scores = torch.matmul(query, keys.transpose(2, 3)) * (1 / math.sqrt(HEAD))
        if x.shape[1] > 1:
            scores = scores + torch.full((x.shape[1], keys.shape[2]), -1e9).triu(1)
        scores = torch.nn.functional.softmax(scores, -1)
        answer = torch.matmul(scores, values).transpose(1, 2).reshape(1, x.shape[1], -1)
        return torch.nn.functional.linear(answer, w['o'])

    def forward(self, tokens, start):
        torch, linear = self.torch, self.torch.nn.functional.linear
        x = self.embedding[tokens].unsqueeze(0)
        for at, w in enumerate(self.layer):
            residual = x
            x = self.normed(x, w['before'])
            x = residual + self.attended(x, at, start)
            residual = x
            x = self.normed(x, w['behind'])
            x = residual + linear(torch.nn.functional.silu(linear(x, w['gate'])) * linear(x, w['up']), w['down'])
        return linear(self.normed(x[:, -1:], self.norm), self.output).argmax(-1).flatten()


def warm_up(torch):
    """What the libraries load and keep at first use is the process's own, which the bill tells apart. From here on what is freed goes
    back at once, so that the peak is what lives, not what the C library keeps."""
    libc = ctypes.CDLL(None)
    libc.mallopt(M_MMAP_THRESHOLD, 1 << 16)
    Model(torch).forward(torch.randint(0, VOCABULARY, (WARM,)), 0)
    libc.malloc_trim(0)


def main():
    try:
        import torch
    except ImportError:
        print('no PyTorch')
        return SKIPPED
    lines = billed()
    torch.set_grad_enabled(False)
    torch.set_num_threads(1)
    warm_up(torch)
    bare = status('VmRSS')
    model = Model(torch)
    weights = status('VmRSS') - bare
    forget_peak()
    token = model.forward(torch.randint(0, VOCABULARY, (CONTEXT - WRITTEN,)), 0)
    for i in range(WRITTEN):
        token = model.forward(token, CONTEXT - WRITTEN + i)
    peak = status('VmHWM') - bare
    cache = sum(part.numel() * part.element_size() for pair in model.cache for part in pair)
    work, said = peak - weights - cache, lines['work of one layer'] + lines['logits']
    print(f'weights: {weights / MIB:.1f} MiB resident, {lines["weights"] / MIB:.1f} billed')
    print(f'cache:   {cache / MIB:.2f} MiB, {lines["KV cache"] / MIB:.2f} billed')
    print(f'work:    {work / MIB:.1f} MiB resident at its peak, {said / MIB:.1f} billed')
    right = [abs(weights - lines['weights']) <= 0.01 * lines['weights'], cache == lines['KV cache'], abs(work - said) <= 0.05 * said]
    return not all(right)


sys.exit(main())
