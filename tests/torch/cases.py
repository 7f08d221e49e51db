"""Every comparison of what PyTorch holds with what muster bills: measured here, predicted by `muster fit --kind ...`.

Each case is a generator of rows; a row that is further off than its bound is wrong. The bounds, in one place:"""
import collections
import contextlib

import torch

import counting
import models

# A share of what was measured that the bill may be under and over it.
Bound = collections.namedtuple('Bound', 'under over')
# Tensors that are counted: the bill adds up the same tensors.
EXACT = Bound(0.0, 0.0)
# Peaks of the allocator: scalars, masks and rotations stand beside what is billed (kilobytes here).
PEAK = Bound(0.002, 0.002)
# A layer on its way back is billed as if all its tensors were there at once, and what a product of adapters passes on as a multiple of it.
LAYER = Bound(0.02, 0.07)
# A forward pass alone: the rule rests on models that hold what they multiply until they return (training.embed, training.snn); laid out as
# transformers 4.57 they let go of a tensor of the feed-forward sooner. So small tensors alone may be missing, and that one may be too many.
PASS = Bound(0.05, 0.36)

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


def catalogue(muster):
    """Small models of the catalogue, as large as they are: what muster knows of them by name."""
    smol = models.llama_config(layers=30, width=576, heads=9, kv_heads=3, ffn=1536, vocabulary=49152, tied=True)
    gpt2 = models.gpt2_config(layers=12, width=768, heads=12, ffn=3072, vocabulary=50257, positions=1024, dropout=0.1)
    # Gradients that are kept beside it let the bill show what is saved; with fewer sequences of the second it would be the optimizer's step.
    for name, config, batch in (('SmolLM2-135M', smol, 1), ('gpt2', gpt2, 4)):
        model = made(config, torch.float32, 'eager')
        lines = finetune(muster, name, '--method', 'full', '--precision', 'fp32', '--eager-attention', '--accumulate', 2,
                         batch=batch)
        yield Row(f'{name}: weights', counting.size(model.parameters()), lines['weights'], EXACT)
        yield Row(f'{name}, {batch} x {TOKENS} tokens: saved', kept(model, batch), lines['saved activations'], EXACT)


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


def mixed(muster):
    """autocast: F32 weights, of which it keeps BF16 copies; each matrix casts its input for itself. The copies are billed apart."""
    for name, config in (('llama', LLAMA), ('gpt2', GPT2)):
        model = made(config, torch.float32, 'flash')
        lines = finetune(muster, config, '--method', 'full', '--precision', 'amp', batch=8)
        x = tokens(batch=8)
        matrices = sum(p.numel() * 2 for b in model.blocks for p in b.parameters() if p.dim() > 1)
        with torch.autocast('cpu', dtype=torch.bfloat16):
            embedded = model.embedded(x)
            with counting.Kept(model) as counted:
                model.through(embedded)
            yield Row(f'{name}, BF16 under autocast: saved', counted.bytes() - matrices, lines['saved activations'], EXACT)
            del counted, embedded
        with counting.Allocated() as allocated:
            with torch.autocast('cpu', dtype=torch.bfloat16):
                loss, logits = model.loss(x)
            loss.backward()
        yield Row(f'{name}, BF16 under autocast: peak', allocated.peak, beside(lines), PEAK)
        del loss, logits


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


# ---- captures, probes, sentences, spikes

def captures(muster):
    for name, config, layers in (('llama', LLAMA, LLAMA['num_hidden_layers']), ('gpt2', GPT2, GPT2['n_layer'])):
        for dtype, words in ((torch.float32, 'fp32'), (torch.bfloat16, 'fp16')):  # the CPU has no products of F16; it is as wide as BF16
            for chosen in 0, 2:
                model = made(config, dtype, 'eager').eval()
                hidden, maps = [], []
                with torch.no_grad():
                    model(tokens(), hidden, maps)
                options = ('--batch', BATCH, '--seq', TOKENS, '--precision', words, '--layers', chosen)
                kept_hidden, kept_maps = (hidden[-chosen:], maps[-chosen:]) if chosen else (hidden, maps)
                what = f'{name}, {words}, {chosen or "all"} layers'
                yield Row(f'{what}: hidden states', counting.size(kept_hidden),
                          muster.lines(config, '--kind', 'hidden-states', *options)['hidden states'], EXACT)
                yield Row(f'{what}: maps', counting.size(kept_maps),
                          muster.lines(config, '--kind', 'attention', *options)['attention maps'], EXACT)


def capture_peaks(muster):
    """Of a pass that hands out all maps. The models here keep no cache of keys, and hand out logits in their own type."""
    for dtype, words in ((torch.float32, 'fp32'), (torch.bfloat16, 'fp16')):
        config = models.llama_config(vocabulary=512)
        model, x, maps = made(config, dtype, 'eager').eval(), tokens(512), []
        with torch.no_grad(), counting.Allocated() as allocated:
            model(x, None, maps)
        lines = muster.lines(config, '--kind', 'attention', '--batch', BATCH, '--seq', TOKENS, '--precision', words)
        yield Row(f'maps of all layers, {words}: peak', allocated.peak, lines['attention maps'] + lines['scores of one layer'], PASS)


def probe(muster):
    config, classes, samples, batch = models.gpt2_config(width=1024, heads=16), 10, 512, 64
    lines = muster.lines(config, '--kind', 'probe', '--samples', samples, '--classes', classes, '--batch', batch)
    data, labels = torch.randn(samples, config['n_embd']), torch.randint(0, classes, (samples,))
    with counting.Allocated() as allocated:
        linear = torch.nn.Linear(config['n_embd'], classes)
        optimizer = torch.optim.AdamW(linear.parameters())
        for _ in range(2):
            at = torch.arange(batch)
            loss = torch.nn.functional.cross_entropy(linear(data[:batch]), labels[at])
            loss.backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
    yield Row('vectors', counting.size([data]), lines['captured vectors'], EXACT)
    yield Row('classifier and its step: peak', allocated.peak, lines['classifier'], PEAK)


def embeddings(muster):
    config = models.bert_config()
    model = models.Bert(config).eval()
    for batch, length in ((1, 128), (8, 128), (4, 256)):
        x = tokens(config['vocab_size'], batch, length)
        with torch.no_grad(), counting.Allocated() as allocated:
            model(x)
        lines = muster.lines(config, '--kind', 'embed', '--batch', batch, '--seq', length)
        yield Row(f'{batch} sentences of {length} tokens: peak', allocated.peak, lines['activations'], PASS)
    yield Row('weights', counting.size(model.parameters()), lines['weights'], EXACT)


def spikes(muster):
    config = models.gpt2_config(layers=2)
    model = made(config).eval()
    for mode in 'step', 'layer':
        for neuron in 'bypassed', 'lif':
            for steps in 1, 2, 4:
                if mode == 'layer' and neuron == 'lif':
                    continue  # a neuron's states go from step to step
                x, leaky = tokens(), models.Leaky() if neuron == 'lif' else None
                with torch.no_grad(), counting.Allocated() as allocated:
                    models.spiking(model, x, steps, mode == 'layer', leaky)
                lines = muster.lines(config, '--kind', 'snn-run', '--timesteps', steps, '--mode', mode, '--neuron', neuron, '--batch', BATCH,
                                     '--seq', TOKENS)
                what = f'{steps} timesteps, {mode}, {neuron}'
                if leaky:
                    yield Row(f'{what}: states', counting.size(leaky.state.values()), lines['membrane states'], EXACT)
                yield Row(f'{what}: peak', allocated.peak, sum(v for k, v in lines.items() if k not in ('weights', 'KV cache')), PASS)


CASES = (captures, capture_peaks, probe, embeddings, spikes, parameters, catalogue, optimizers, adapters, saved_full, saved_with_adapters,
         mixed, saved_checkpointed, peaks_at_loss, peaks_in_layers, peaks_of_step)


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
    over = row.predicted - row.measured
    return over > row.bound.over * row.measured or -over > row.bound.under * row.measured
