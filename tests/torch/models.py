"""Models written by hand with plain PyTorch, operation for operation as transformers 4.57 builds them: modeling_llama.py, modeling_gpt2.py
and, for sentences, modeling_bert.py. Beside them what trains a model without touching its weights (LoRA as PEFT 0.17 writes it), the
cross entropy of loss/loss_utils.py, and attention that keeps what a flash kernel keeps, which PyTorch 1.13 lacks on the CPU.

Each takes a configuration as config.json has it, so that muster reads the very figures the model is built from.
"""
import itertools
import math

import torch
from torch.nn import functional
from torch.utils.checkpoint import checkpoint


def llama_config(layers=3, width=256, heads=8, kv_heads=2, ffn=688, vocabulary=4096, tied=False):
    return {'architectures': ['LlamaForCausalLM'], 'model_type': 'llama', 'hidden_size': width, 'num_hidden_layers': layers,
            'num_attention_heads': heads, 'num_key_value_heads': kv_heads, 'head_dim': width // heads, 'intermediate_size': ffn,
            'vocab_size': vocabulary, 'max_position_embeddings': 4096, 'tie_word_embeddings': tied, 'rms_norm_eps': 1e-5,
            'hidden_act': 'silu', 'rope_theta': 10000.0, 'torch_dtype': 'float32'}


def gpt2_config(layers=3, width=256, heads=8, ffn=1024, vocabulary=4096, positions=512, dropout=0.0):
    return {'architectures': ['GPT2LMHeadModel'], 'model_type': 'gpt2', 'n_embd': width, 'n_layer': layers, 'n_head': heads,
            'n_inner': ffn, 'n_positions': positions, 'n_ctx': positions, 'vocab_size': vocabulary, 'activation_function': 'gelu_new',
            'layer_norm_epsilon': 1e-5, 'attn_pdrop': dropout, 'embd_pdrop': dropout, 'resid_pdrop': dropout,
            'torch_dtype': 'float32'}


def bert_config(layers=6, width=384, heads=12, ffn=1536, vocabulary=30522, positions=512):
    return {'architectures': ['BertModel'], 'model_type': 'bert', 'hidden_size': width, 'num_hidden_layers': layers,
            'num_attention_heads': heads, 'intermediate_size': ffn, 'vocab_size': vocabulary, 'max_position_embeddings': positions,
            'type_vocab_size': 2, 'layer_norm_eps': 1e-12, 'hidden_act': 'gelu', 'torch_dtype': 'float32'}


class Flash(torch.autograd.Function):
    """What aten::_scaled_dot_product_flash_attention keeps (derivatives.yaml): query, key, value, its output, and a sum a row in F32.
    The answer is laid out as the kernel lays it, so that heads come together again without a copy."""

    @staticmethod
    def scores(query, key):
        scores = query.float() @ key.float().transpose(-1, -2) / math.sqrt(query.shape[-1])
        return scores.masked_fill_(torch.ones(scores.shape, dtype=torch.bool).triu_(1), -math.inf)

    @staticmethod
    def forward(ctx, query, key, value):
        batch, heads, tokens, head = query.shape
        out = query.new_empty(batch, tokens, heads, head).transpose(1, 2)
        sums = torch.empty(batch, heads, tokens)
        for at in itertools.product(range(batch), range(heads)):  # one by one, as a kernel's tiles hold little
            scores = Flash.scores(query[at], key[at])
            sums[at] = torch.logsumexp(scores, -1)
            out[at] = scores.sub_(sums[at].unsqueeze(-1)).exp_() @ value[at].float()
        ctx.save_for_backward(query, key, value, out, sums)
        return out

    @staticmethod
    def backward(ctx, gradient):
        query, key, value, out, sums = ctx.saved_tensors
        of_query, of_key, of_value = (torch.empty_like(t) for t in (query, key, value))
        for at in itertools.product(range(query.shape[0]), range(query.shape[1])):
            shares, given = Flash.scores(query[at], key[at]).sub_(sums[at].unsqueeze(-1)).exp_(), gradient[at].float()
            of_value[at] = shares.transpose(0, 1) @ given
            inner = (given * out[at].float()).sum(-1, keepdim=True)
            shares *= (given @ value[at].float().transpose(0, 1) - inner) / math.sqrt(query.shape[-1])
            of_query[at], of_key[at] = shares @ key[at].float(), shares.transpose(0, 1) @ query[at].float()
        return of_query, of_key, of_value


def eager(query, key, value, causal=True, dropout=0.0):
    """Scores, the mask added, the softmax in F32, cast back. Gives the maps, too."""
    scores = query @ key.transpose(2, 3) * query.shape[-1] ** -0.5
    if causal:
        scores = scores + torch.full(scores.shape[-2:], torch.finfo(scores.dtype).min, dtype=scores.dtype).triu(1)
    maps = functional.softmax(scores, dim=-1, dtype=torch.float32).to(query.dtype)
    return dropped(maps, dropout) @ value, maps


class RmsNorm(torch.nn.Module):
    """Before 2.2, torch.mean kept its input for the backward pass (pull request 109935); a sum divided by the width keeps none, as mean
    does from then on. old asks for mean itself."""

    def __init__(self, width, dtype, old):
        super().__init__()
        self.weight, self.old = torch.nn.Parameter(torch.ones(width, dtype=dtype)), old

    def forward(self, x):
        wide = x.to(torch.float32)
        squares = wide.pow(2)
        mean = squares.mean(-1, keepdim=True) if self.old else squares.sum(-1, keepdim=True) / x.shape[-1]
        return self.weight * (wide * torch.rsqrt(mean + 1e-5)).to(x.dtype)


def dropped(x, share):
    """As accelerators do it, in one kernel that keeps a byte a value; the CPU's own path keeps a mask of x's type."""
    return torch.native_dropout(x, share, True)[0] if share > 0 else x


class LoraLinear(torch.nn.Module):
    """PEFT's lora.Linear: the frozen product, and beside it two small ones, in the adapter's own type."""

    def __init__(self, base, rank, dropout, dtype):
        super().__init__()
        self.base, self.dropout, self.dtype = base, dropout, dtype
        self.down = torch.nn.Parameter(torch.empty(rank, base.weight.shape[1], dtype=dtype).normal_(0, 0.02))
        self.up = torch.nn.Parameter(torch.zeros(base.weight.shape[0], rank, dtype=dtype))

    def forward(self, x):
        result, own = self.base(x), x.to(self.dtype)
        result = result + functional.linear(functional.linear(dropped(own, self.dropout), self.down), self.up) * 2.0
        return result.to(x.dtype)


class Model(torch.nn.Module):
    """config: as above. attention: flash or eager. old: as torch before 2.2."""

    def __init__(self, config, dtype=torch.float32, attention='flash', old=False):
        super().__init__()
        self.config, self.dtype, self.attention, self.checkpointing = config, dtype, attention, False

    def matrix(self, inputs, outputs, bias=False):
        linear = torch.nn.Linear(inputs, outputs, bias=bias, dtype=self.dtype)
        torch.nn.init.normal_(linear.weight, 0, 0.02)
        return linear

    def embedding(self, rows, width):
        table = torch.nn.Embedding(rows, width, dtype=self.dtype)
        torch.nn.init.normal_(table.weight, 0, 0.02)
        return table

    def attended(self, query, key, value, dropout=0.0, causal=True):
        if self.attention == 'flash':
            if torch.is_autocast_cpu_enabled():  # as autocast does for scaled_dot_product_attention
                query, key, value = (t.to(torch.get_autocast_cpu_dtype()) for t in (query, key, value))
            return Flash.apply(query, key, value), None
        return eager(query, key, value, causal, dropout)

    def adapt(self, rank, names, dropout, dtype):
        """Freezes everything and sets adapters on the layers' matrices of these names."""
        for parameter in self.parameters():
            parameter.requires_grad_(False)
        for block in self.blocks:
            for name, module in list(block.named_children()):
                if name in names:
                    setattr(block, name, LoraLinear(module, rank, dropout, dtype))
        self.adapted = True
        return self

    adapted = False

    def through(self, x, hidden=None, maps=None):
        """All layers; what they give and attend to is appended where a list is given."""
        if self.checkpointing and self.adapted:
            x.requires_grad_(True)  # transformers' enable_input_require_grads
        for block in self.blocks:
            if hidden is not None:
                hidden.append(x)
            given = checkpoint(block, x, use_reentrant=True) if self.checkpointing else block(x)
            x = given[0]
            if maps is not None:
                maps.append(given[1])
            del given
        return x

    def forward(self, tokens, hidden=None, maps=None):
        x = self.last(self.through(self.embedded(tokens), hidden, maps))
        if hidden is not None:
            hidden.append(x)
        return self.logits(x)

    def loss(self, tokens):
        """And the logits, which a loop that keeps what the model hands out holds until the step is over."""
        logits = self(tokens)
        return cross_entropy(logits, tokens), logits


def cross_entropy(logits, tokens):
    """transformers from 4.49: in F32, the labels shifted, not the logits."""
    labels = functional.pad(tokens, (0, 1), value=-100)[..., 1:].contiguous()
    return functional.cross_entropy(logits.float().view(-1, logits.shape[-1]), labels.view(-1))


class LlamaBlock(torch.nn.Module):
    def __init__(self, model, old):
        super().__init__()
        c = model.config
        width, head, ffn = c['hidden_size'], c['head_dim'], c['intermediate_size']
        self.owner, self.head, self.groups = [model], head, c['num_attention_heads'] // c['num_key_value_heads']
        self.before, self.behind = RmsNorm(width, model.dtype, old), RmsNorm(width, model.dtype, old)
        self.q, self.o = model.matrix(width, c['num_attention_heads'] * head), model.matrix(c['num_attention_heads'] * head, width)
        self.k, self.v = (model.matrix(width, c['num_key_value_heads'] * head) for _ in 'kv')
        self.gate, self.up, self.down = model.matrix(width, ffn), model.matrix(width, ffn), model.matrix(ffn, width)

    def rotated(self, x):
        cos, sin = self.owner[0].cos[:x.shape[-2]], self.owner[0].sin[:x.shape[-2]]
        half = x.shape[-1] // 2
        return x * cos + torch.cat((-x[..., half:], x[..., :half]), -1) * sin

    def spread(self, x):
        if self.groups == 1:
            return x
        batch, heads, tokens, head = x.shape
        return x[:, :, None].expand(batch, heads, self.groups, tokens, head).reshape(batch, heads * self.groups, tokens, head)

    def attend(self, x):
        shape = (*x.shape[:-1], -1, self.head)
        query, key, value = (m(x).view(shape).transpose(1, 2) for m in (self.q, self.k, self.v))
        query, key = self.rotated(query), self.rotated(key)
        out, maps = self.owner[0].attended(query, self.spread(key), self.spread(value))
        return self.o(out.transpose(1, 2).reshape(*x.shape[:-1], -1).contiguous()), maps

    def feed_forward(self, x):
        return self.down(functional.silu(self.gate(x)) * self.up(x))

    def forward(self, x):
        attended, maps = self.attend(self.before(x))
        x = x + attended
        del attended
        return x + self.feed_forward(self.behind(x)), maps


class Llama(Model):
    def __init__(self, config, dtype=torch.float32, attention='flash', old=False):
        super().__init__(config, dtype, attention)
        width = config['hidden_size']
        self.table, self.blocks = self.embedding(config['vocab_size'], width), torch.nn.ModuleList()
        for _ in range(config['num_hidden_layers']):
            self.blocks.append(LlamaBlock(self, old))
        self.last = RmsNorm(width, dtype, old)
        self.head = None if config['tie_word_embeddings'] else self.matrix(width, config['vocab_size'])
        size, most = config['head_dim'], 1024
        angle = torch.outer(torch.arange(most).float(), 1 / 10000 ** (torch.arange(0, size, 2).float() / size))
        angle = torch.cat((angle, angle), -1)
        self.register_buffer('cos', angle.cos().to(dtype))
        self.register_buffer('sin', angle.sin().to(dtype))

    def embedded(self, tokens):
        return self.table(tokens)

    def logits(self, x):
        return functional.linear(x, self.table.weight if self.head is None else self.head.weight)


def gelu_new(x):
    return 0.5 * x * (1.0 + torch.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * torch.pow(x, 3.0))))


class Gpt2Block(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        c = model.config
        width = c['n_embd']
        self.owner, self.head, self.dropout = [model], width // c['n_head'], c['resid_pdrop']
        self.before, self.behind = (torch.nn.LayerNorm(width, dtype=model.dtype) for _ in range(2))
        self.qkv, self.o = model.matrix(width, 3 * width, bias=True), model.matrix(width, width, bias=True)
        self.up, self.down = model.matrix(width, c['n_inner'], bias=True), model.matrix(c['n_inner'], width, bias=True)

    def attend(self, x):
        shape = (*x.shape[:-1], -1, self.head)
        query, key, value = (t.view(shape).transpose(1, 2) for t in self.qkv(x).split(x.shape[-1], 2))
        out, maps = self.owner[0].attended(query, key, value, self.dropout if self.training else 0.0)
        return self.dropped(self.o(out.transpose(1, 2).reshape(x.shape).contiguous())), maps

    def feed_forward(self, x):
        return self.dropped(self.down(gelu_new(self.up(x))))

    def dropped(self, x):
        return dropped(x, self.dropout) if self.training else x

    def forward(self, x):
        attended, maps = self.attend(self.before(x))
        x = attended + x
        del attended
        return x + self.feed_forward(self.behind(x)), maps


class Gpt2(Model):
    def __init__(self, config, dtype=torch.float32, attention='eager', old=False):
        super().__init__(config, dtype, attention)
        width = config['n_embd']
        self.table, self.positions = self.embedding(config['vocab_size'], width), self.embedding(config['n_positions'], width)
        self.blocks, self.last = torch.nn.ModuleList(), torch.nn.LayerNorm(width, dtype=dtype)
        for _ in range(config['n_layer']):
            self.blocks.append(Gpt2Block(self))

    def embedded(self, tokens):
        at = torch.arange(tokens.shape[-1])
        x = self.table(tokens) + self.positions(at)
        return dropped(x, self.config['embd_pdrop']) if self.training else x

    def logits(self, x):
        return functional.linear(x, self.table.weight)


class BertBlock(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        c = model.config
        width = c['hidden_size']
        self.owner, self.head = [model], width // c['num_attention_heads']
        self.q, self.k, self.v, self.o = (model.matrix(width, width, bias=True) for _ in 'qkvo')
        self.up, self.down = (model.matrix(a, b, bias=True) for a, b in ((width, c['intermediate_size']), (c['intermediate_size'], width)))
        self.middle, self.end = (torch.nn.LayerNorm(width, 1e-12, dtype=model.dtype) for _ in range(2))

    def attend(self, x):
        shape = (*x.shape[:-1], -1, self.head)
        query, key, value = (m(x).view(shape).transpose(1, 2) for m in (self.q, self.k, self.v))
        out, maps = self.owner[0].attended(query, key, value, causal=False)
        return self.o(out.transpose(1, 2).reshape(x.shape)), maps

    def feed_forward(self, x):
        return self.down(functional.gelu(self.up(x)))

    def forward(self, x):
        attended, maps = self.attend(x)
        x = self.middle(attended + x)
        del attended
        return self.end(self.feed_forward(x) + x), maps


class Bert(Model):
    """An encoder of sentences: the mean of its last states."""

    def __init__(self, config, dtype=torch.float32, attention='eager', old=False):
        super().__init__(config, dtype, attention)
        width = config['hidden_size']
        self.table, self.positions = self.embedding(config['vocab_size'], width), self.embedding(config['max_position_embeddings'], width)
        self.types, self.first = self.embedding(config['type_vocab_size'], width), torch.nn.LayerNorm(width, 1e-12, dtype=dtype)
        self.blocks = torch.nn.ModuleList()
        for _ in range(config['num_hidden_layers']):
            self.blocks.append(BertBlock(self))

    def embedded(self, tokens):
        table = self.table(tokens) + self.types(torch.zeros_like(tokens))
        return self.first(table + self.positions(torch.arange(tokens.shape[-1])))

    def forward(self, tokens):
        return self.through(self.embedded(tokens)).mean(1)


class Leaky:
    """A leaky neuron in front of a product: it keeps what is below its threshold from one timestep to the next."""

    def __init__(self):
        self.state = {}

    def __call__(self, module, inputs):
        v = self.state[module].mul_(0.9).add_(inputs[0]) if module in self.state else inputs[0].clone()
        self.state[module] = v
        spikes = (v >= 1.0).to(v.dtype)
        v.sub_(spikes)
        return (spikes,)


def spiking(model, tokens, timesteps, at_once, neuron=None):
    """The mean of what so many passes give: one behind the other, or all of them layer by layer."""
    hooks = [m.register_forward_pre_hook(neuron) for m in model.blocks.modules() if neuron and isinstance(m, torch.nn.Linear)]
    try:
        if at_once:
            return model(tokens.repeat(timesteps, 1)).view(timesteps, *tokens.shape, -1).mean(0)
        total = None
        for _ in range(timesteps):
            logits = model(tokens)
            total = logits if total is None else total + logits
        return total / timesteps
    finally:
        for hook in hooks:
            hook.remove()
