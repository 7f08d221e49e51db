"""Every comparison of what PyTorch holds with what muster bills: measured here, predicted by `muster fit --kind ...`.

Each case is a generator of rows; a row that is further off than its bound is wrong. The bounds, in one place:"""
import collections
import contextlib

import torch

import counting
import models

# Tensors that are counted: the bill adds up the same tensors.
EXACT = 0.0
# Peaks of the allocator: scalars, masks and rotations stand beside what is billed (kilobytes here).
PEAK = 0.002
# A layer on its way back is billed as if all its tensors were there at once, and what a product of adapters passes on as a multiple of it.
LAYER = 0.07

Row = collections.namedtuple('Row', 'what measured predicted bound')
LLAMA, GPT2 = models.llama_config(), models.gpt2_config(dropout=0.1)
BATCH, TOKENS = 2, 128
STATES = ('weights', 'adapters', 'optimizer states')


def tokens(vocabulary=4096, batch=BATCH, length=TOKENS):
    return torch.randint(0, vocabulary, (batch, length))


def finetune(muster, config, *options, batch=BATCH, length=TOKENS):
    return muster.lines(config, '--kind', 'finetune', '--seq', length, '--micro-batch', batch, *options)


def precision(dtype):
    return ('--precision', 'fp32' if dtype == torch.float32 else 'bf16')


def made(config, *args, **kwargs):
    return (models.Gpt2 if config['model_type'] == 'gpt2' else models.Llama)(config, *args, **kwargs)


def kept(model, batch=BATCH):
    """Bytes that the layers of one forward pass keep for the way back."""
    x = model.embedded(tokens(model.config['vocab_size'], batch))
    with counting.Kept(model) as counted:
        model.through(x)
    return counted.bytes()


def peak_of(model, optimizer=None, batch=BATCH, length=TOKENS, holds_logits=True):
    """Of a step: forward and backward, and the optimizer's where one is given, which has stepped before. Gradients are dropped behind it,
    so that the next pass begins without. A loop that holds what the model hands out has its logits until the end, transformers' Trainer
    has not: that makes no difference to what muster bills but at the loss, where logits are billed as if they were held."""
    x = tokens(model.config['vocab_size'], batch, length)
    if optimizer:
        model.loss(x)[0].backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    with counting.Allocated() as allocated:
        loss, logits = model.loss(x)
        if not holds_logits:
            del logits
        loss.backward()
        loss = logits = None
        if optimizer:
            optimizer.step()
    return allocated.peak


def beside(lines, *others):
    """What is there for a moment: all but what is held from step to step."""
    return sum(size for name, size in lines.items() if name not in STATES + others)


# ---- what is held all the time

def parameters(muster):
    for name, config in (('llama', LLAMA), ('llama, tied', models.llama_config(tied=True)), ('gpt2', GPT2)):
        for dtype in torch.float32, torch.bfloat16:
            lines = finetune(muster, config, '--method', 'full', '--accumulate', 2, *precision(dtype))
            model = made(config, dtype)
            yield Row(f'{name}, {dtype}: weights', counting.size(model.parameters()), lines['weights'], EXACT)
            model.loss(tokens())[0].backward()
            yield Row(f'{name}, {dtype}: gradients', counting.size(p.grad for p in model.parameters()), lines['gradients'], EXACT)


def optimizers(muster):
    made_by = {'adamw': torch.optim.AdamW, 'sgd': lambda p: torch.optim.SGD(p, 0.1),
               'sgdm': lambda p: torch.optim.SGD(p, 0.1, momentum=0.9)}
    for name, make in made_by.items():
        for dtype in torch.float32, torch.bfloat16:
            model = made(LLAMA, dtype)
            optimizer = make(model.parameters())
            model.loss(tokens())[0].backward()
            optimizer.step()
            # A step's number beside each tensor is left out: 4 bytes of it.
            states = [t for s in optimizer.state.values() for t in s.values() if torch.is_tensor(t) and t.dim() > 0]
            lines = finetune(muster, LLAMA, '--method', 'full', '--optimizer', name, *precision(dtype))
            yield Row(f'{name}, {dtype}: states', counting.size(states), lines.get('optimizer states', 0), EXACT)


def adapters(muster):
    for framework, dtype, own in (('hf', torch.bfloat16, torch.float32), ('torchtune', torch.bfloat16, torch.bfloat16)):
        for words, names in TARGETS.items():
            model = made(LLAMA, dtype).adapt(16, names, 0.0, own)
            mine = [p for p in model.parameters() if p.requires_grad]
            optimizer = torch.optim.AdamW(mine)
            model.loss(tokens())[0].backward()
            optimizer.step()
            states = [t for s in optimizer.state.values() for t in s.values() if torch.is_tensor(t) and t.dim() > 0]
            lines = finetune(muster, LLAMA, '--method', 'lora', '--rank', 16, '--targets', words, '--framework', framework,
                             '--accumulate', 2, *precision(dtype))
            what = f'LoRA on {words}, {own} beside {dtype}'
            yield Row(f'{what}: adapters', counting.size(mine), lines['adapters'], EXACT)
            yield Row(f'{what}: states', counting.size(states), lines['optimizer states'], EXACT)
            yield Row(f'{what}: gradients', counting.size(p.grad for p in mine), lines['gradients'], EXACT)


# ---- what is kept for the backward pass

TARGETS = {'qv': 'qv', 'attention': 'qkvo', 'mlp': ('gate', 'up', 'down'), 'all': ('q', 'k', 'v', 'o', 'gate', 'up', 'down')}


def saved_full(muster):
    for name, config in (('llama', LLAMA), ('llama, a head of keys each', models.llama_config(kv_heads=8)), ('gpt2', GPT2)):
        for attention in 'flash', 'eager':
            for dtype in torch.float32, torch.bfloat16:
                for old in (False, True) if name == 'llama' else (False,):
                    options = ['--method', 'full', *precision(dtype), '--framework', 'hf-old' if old else 'hf']
                    options += ['--eager-attention'] if attention == 'eager' else []
                    # In BF16, LayerNorm's statistics are BF16 on the CPU of torch 1.13, F32 everywhere else.
                    bound = EXACT if (name, dtype) != ('gpt2', torch.bfloat16) else PEAK
                    yield Row(f'{name}, {attention}, {dtype}{", mean of torch before 2.2" if old else ""}: saved',
                              kept(made(config, dtype, attention, old)), finetune(muster, config, *options)['saved activations'], bound)


def saved_with_adapters(muster):
    for framework, dtype, own in (('hf', torch.float32, torch.float32), ('hf', torch.bfloat16, torch.float32),
                                  ('torchtune', torch.bfloat16, torch.bfloat16)):
        for words, names in TARGETS.items():
            for dropout in 0.0, 0.05:
                options = ['--method', 'lora', '--rank', 16, '--targets', words, '--framework', framework, '--checkpointing', 'off',
                           *precision(dtype)] + (['--lora-dropout'] if dropout else [])
                yield Row(f'LoRA on {words}, {own} beside {dtype}{", dropout" if dropout else ""}: saved',
                          kept(made(LLAMA, dtype).adapt(16, names, dropout, own)),
                          finetune(muster, LLAMA, *options)['saved activations'], EXACT)


def saved_checkpointed(muster):
    for name, config in (('llama', LLAMA), ('gpt2', GPT2)):
        for dtype in torch.float32, torch.bfloat16:
            model = made(config, dtype)
            model.checkpointing = True
            # With so many sequences the moment of the loss is highest, and the bill shows what is kept until then.
            yield Row(f'{name}, checkpointing, {dtype}: saved', kept(model, 8),
                      finetune(muster, config, '--method', 'full', '--checkpointing', 'on', *precision(dtype),
                               batch=8)['saved activations'], EXACT)


# ---- peaks of a step

DEEP = models.llama_config(layers=6, vocabulary=512)


def peaks_at_loss(muster):
    for what, config, options in (('logits are most of it', models.llama_config(vocabulary=16000), ()), ('layers are as much', LLAMA, ()),
                                  ('gpt2, eager', GPT2, ('--eager-attention',))):
        for dtype in torch.float32, torch.bfloat16:
            model = made(config, dtype, 'eager' if options else 'flash')
            yield Row(f'full, {what}, {dtype}: peak', peak_of(model),
                      beside(finetune(muster, config, '--method', 'full', *precision(dtype), *options)), PEAK)
    for checkpointing in 'off', 'on':
        for dtype in torch.float32, torch.bfloat16:
            model = made(LLAMA, dtype).adapt(16, TARGETS['all'], 0.0, torch.float32)
            model.checkpointing = checkpointing == 'on'
            yield Row(f'LoRA, checkpointing {checkpointing}, {dtype}: peak', peak_of(model),
                      beside(finetune(muster, LLAMA, '--method', 'lora', '--checkpointing', checkpointing, *precision(dtype))), PEAK)


def peaks_in_layers(muster):
    for method in 'full', 'lora':
        for checkpointing in 'off', 'on':
            for dtype in torch.float32, torch.bfloat16:
                model = made(DEEP, dtype)
                if method == 'lora':
                    model.adapt(16, TARGETS['all'], 0.0, torch.float32)
                model.checkpointing = checkpointing == 'on'
                yield Row(f'{method}, checkpointing {checkpointing}, {dtype}: peak', peak_of(model, holds_logits=False),
                          beside(finetune(muster, DEEP, '--method', method, '--checkpointing', checkpointing, *precision(dtype))), LAYER)


def peaks_of_step(muster):
    for dtype in torch.float32, torch.bfloat16:
        model = made(LLAMA, dtype)
        yield Row(f'full, {dtype}: peak', peak_of(model, torch.optim.AdamW(model.parameters()), 1, 8),
                  beside(finetune(muster, LLAMA, '--method', 'full', *precision(dtype), batch=1, length=8)), PEAK)


CASES = (parameters, optimizers, adapters, saved_full, saved_with_adapters, saved_checkpointed, peaks_at_loss,
         peaks_in_layers, peaks_of_step)


@contextlib.contextmanager
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(7)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def rows(muster, cases=CASES):
    """(case, Row) of all."""
    with one_thread():
        for case in cases:
            for row in case(muster):
                yield case.__name__, row


def wrong(row):
    return abs(row.measured - row.predicted) > row.bound * row.measured
