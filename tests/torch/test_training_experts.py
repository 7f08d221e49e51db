#!/usr/bin/python3
"""What autograd keeps of layers with experts, latent attention and norms of heads, beside muster's bill of it.

Usage: test_training_experts.py MUSTER. Layers are written here with PyTorch's own operations, one for one as transformers 4.57 does them
(modeling_qwen3_moe.py, modeling_deepseek_v3.py), and run forward once; each tensor that is saved counts once, by its storage. Attention runs
eagerly, and as kernels do that never hold the scores. Without PyTorch it is skipped.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

SKIPPED = 77
MUSTER = pathlib.Path(sys.argv[1]).resolve()
SEQUENCES, TOKENS, VOCABULARY, RANK, WIDTH, HEADS, FFN = 4, 256, 64, 8, 256, 8, 512
# The bill leaves out a router's weight once more in F32, and takes indices in their mean.
WITHIN = 0.002

try:
    import torch
    import torch.nn.functional as F
except ImportError:
    print('skipped: PyTorch is not installed')
    sys.exit(SKIPPED)


class Kernel(torch.autograd.Function):
    """Attention that keeps what kernels keep that never hold the scores: operands, answer, a sum of each row."""
    @staticmethod
    def forward(context, query, key, value, scale):
        scores = (query.float() @ key.float().transpose(2, 3)) * scale
        scores = scores + torch.triu(torch.full(scores.shape[-2:], float('-inf')), 1)
        answer = (scores.softmax(-1) @ value.float()).to(query.dtype).transpose(1, 2).contiguous()
        context.save_for_backward(query, key, value, answer, scores.logsumexp(-1))
        return answer


def norm(x, weight):
    wide = x.to(torch.float32)
    # Before 2.2, torch.mean keeps its input; this keeps what mean does from then on.
    wide = wide * torch.rsqrt(wide.pow(2).sum(-1, keepdim=True) / x.shape[-1] + 1e-6)
    return weight * wide.to(x.dtype)


def rotated(x, cosines, sines):
    middle = x.shape[-1] // 2
    return x * cosines + torch.cat((-x[..., middle:], x[..., :middle]), -1) * sines


class Model:
    def __init__(self, figures, run):
        self.figures, self.run = figures, run
        self.weights, self.adapters = [], []
        self.vector(VOCABULARY, WIDTH)  # the output matrix and the norm before it: weights, but not run
        self.vector(WIDTH)
        self.embedding = self.vector(VOCABULARY, WIDTH)
        self.layers = [self.layer(i) for i in range(figures['layers'])]

    def vector(self, *size):
        self.weights.append((torch.randn(*size) * 0.02).to(self.run['dtype']).requires_grad_(self.run['full']))
        return self.weights[-1]

    def matrix(self, rows, columns):
        """A matrix, with an adapter where only those train."""
        weight = self.vector(rows, columns)
        if self.run['full']:
            return lambda x: F.linear(x, weight)
        down, up = torch.randn(RANK, columns).requires_grad_(True), torch.zeros(rows, RANK).requires_grad_(True)
        self.adapters += [down, up]
        return lambda x: (F.linear(x, weight) + F.linear(F.linear(x.to(down.dtype), down), up) * 2.0).to(x.dtype)

    def feed_forward(self, width):
        gate, up, down = self.matrix(width, WIDTH), self.matrix(width, WIDTH), self.matrix(WIDTH, width)
        return lambda x: down(F.silu(gate(x)) * up(x))

    def layer(self, index):
        f = self.figures
        layer = {'first': self.vector(WIDTH), 'second': self.vector(WIDTH)}
        if 'kv_rank' in f:
            query = HEADS * (f['nope'] + f['rope'])
            if f['q_rank']:
                layer['query down'], layer['query norm'] = self.matrix(f['q_rank'], WIDTH), self.vector(f['q_rank'])
            layer['query'] = self.matrix(query, f['q_rank'] or WIDTH)
            layer['down'], layer['norm'] = self.matrix(f['kv_rank'] + f['rope'], WIDTH), self.vector(f['kv_rank'])
            layer['up'] = self.matrix(HEADS * (f['nope'] + f['value']), f['kv_rank'])
            layer['answer'] = self.matrix(WIDTH, HEADS * f['value'])
        else:
            head, keys = f['head'], f['kv_heads'] * f['head']
            layer['query'], layer['key'] = self.matrix(HEADS * head, WIDTH), self.matrix(keys, WIDTH)
            layer['value'], layer['answer'] = self.matrix(keys, WIDTH), self.matrix(WIDTH, HEADS * head)
            if f.get('norms'):
                layer['query norm'], layer['key norm'] = self.vector(head), self.vector(head)
        if f.get('experts') and index >= f.get('dense', 0):
            layer['router'] = self.vector(f['experts'], WIDTH)
            layer['experts'] = [self.feed_forward(f['expert']) for _ in range(f['experts'])]
            if 'shared' in f:
                layer['shared'] = self.feed_forward(f['shared'])
                self.vector(f['experts'])  # what corrects the choice of experts
        else:
            layer['dense'] = self.feed_forward(FFN)
        return layer

    def attend(self, query, key, value):
        scale, groups = query.shape[-1] ** -0.5, query.shape[1] // key.shape[1]
        if groups > 1:
            key, value = (x[:, :, None].expand(-1, -1, groups, -1, -1).reshape(query.shape) for x in (key, value))
        if not self.run['eager']:
            return Kernel.apply(query, key, value, scale)
        scores = torch.matmul(query, key.transpose(2, 3)) * scale + self.mask
        shares = F.softmax(scores, -1, dtype=torch.float32).to(query.dtype)
        return torch.matmul(shares, value).transpose(1, 2).contiguous()

    def latent(self, layer, x):
        f = self.figures
        inner = norm(layer['query down'](x), layer['query norm']) if f['q_rank'] else x
        query = layer['query'](inner).view(SEQUENCES, TOKENS, HEADS, -1).transpose(1, 2)
        still, turned = torch.split(query, [f['nope'], f['rope']], -1)
        low, key_turned = torch.split(layer['down'](x), [f['kv_rank'], f['rope']], -1)
        both = layer['up'](norm(low, layer['norm'])).view(SEQUENCES, TOKENS, HEADS, -1).transpose(1, 2)
        key, value = torch.split(both, [f['nope'], f['value']], -1)
        turned = rotated(turned, self.cosines, self.sines)
        key_turned = rotated(key_turned.view(SEQUENCES, 1, TOKENS, f['rope']), self.cosines, self.sines)
        return self.attend(torch.cat((still, turned), -1), torch.cat((key, key_turned.expand(-1, HEADS, -1, -1)), -1), value)

    def grouped(self, layer, x):
        query, key, value = (layer[name](x).view(SEQUENCES, TOKENS, -1, self.figures['head']) for name in ('query', 'key', 'value'))
        if 'query norm' in layer:
            query, key = norm(query, layer['query norm']), norm(key, layer['key norm'])
        query, key = (rotated(y.transpose(1, 2), self.cosines, self.sines) for y in (query, key))
        return self.attend(query, key, value.transpose(1, 2))

    def routed(self, layer, x):
        f = self.figures
        if 'shared' in f:  # in F32, by a sigmoid
            scores = F.linear(x.float(), layer['router'].float()).sigmoid()
            with torch.no_grad():
                chosen = scores.topk(f['used'], -1)[1]
            shares = scores.gather(1, chosen)
            shares = shares / (shares.sum(-1, keepdim=True) + 1e-20) * 2.5
        else:
            shares, chosen = torch.topk(F.softmax(F.linear(x, layer['router']), 1, dtype=torch.float), f['used'], -1)
            shares = (shares / shares.sum(-1, keepdim=True)).to(x.dtype)
        total = torch.zeros(x.shape, dtype=shares.dtype)
        mask = F.one_hot(chosen, f['experts']).permute(2, 1, 0)
        for expert, run in enumerate(layer['experts']):
            which, token = torch.where(mask[expert])
            if token.numel():
                total.index_add_(0, token, (run(x[token]) * shares[token, which, None]).to(total.dtype))
        return total.to(x.dtype) + (layer['shared'](x) if 'shared' in f else 0)

    def forward(self, ids):
        f = self.figures
        turned = f.get('rope', f.get('head'))
        self.cosines, self.sines = (torch.randn(1, 1, TOKENS, turned).to(self.run['dtype']) for _ in range(2))
        self.mask = torch.triu(torch.full((TOKENS, TOKENS), float('-inf')), 1).to(self.run['dtype'])
        x = F.embedding(ids, self.embedding)
        for layer in self.layers:
            attend = self.latent if 'kv_rank' in f else self.grouped
            x = x + layer['answer'](attend(layer, norm(x, layer['first'])).reshape(SEQUENCES, TOKENS, -1))
            inner = norm(x, layer['second'])
            x = x + (layer['dense'](inner) if 'dense' in layer else
                     self.routed(layer, inner.view(-1, WIDTH)).view(inner.shape))
        return x


def measured(figures, run):
    """Bytes saved for the backward pass, and of the weights."""
    torch.manual_seed(1)
    model = Model(figures, run)
    own = {x.storage().data_ptr() for x in model.weights + model.adapters}
    saved, kept = {}, []

    def pack(tensor):
        kept.append(tensor)  # so that no other tensor takes its place
        if tensor.storage().data_ptr() not in own:
            saved[tensor.storage().data_ptr()] = tensor.storage().nbytes()
        return tensor
    ids = torch.randint(0, VOCABULARY, (SEQUENCES, TOKENS))
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        model.forward(ids)
    for shared in (model.cosines, model.sines, model.mask, ids):  # of all layers, whatever their number
        saved.pop(shared.storage().data_ptr(), None)
    return sum(saved.values()), sum(x.numel() * x.element_size() for x in model.weights)


def config(figures):
    """What transformers would write for such a model."""
    common = {'hidden_size': WIDTH, 'num_hidden_layers': figures['layers'], 'num_attention_heads': HEADS, 'intermediate_size': FFN,
              'vocab_size': VOCABULARY, 'max_position_embeddings': 4096, 'tie_word_embeddings': False, 'hidden_act': 'silu',
              'rms_norm_eps': 1e-6, 'rope_theta': 10000.0, 'attention_bias': False}
    if 'kv_rank' in figures:
        return dict(common, architectures=['DeepseekV3ForCausalLM'], model_type='deepseek_v3', num_key_value_heads=HEADS,
                    q_lora_rank=figures['q_rank'] or None, kv_lora_rank=figures['kv_rank'], qk_rope_head_dim=figures['rope'],
                    qk_nope_head_dim=figures['nope'], v_head_dim=figures['value'], first_k_dense_replace=figures['dense'],
                    n_routed_experts=figures['experts'], n_shared_experts=1, num_experts_per_tok=figures['used'],
                    moe_intermediate_size=figures['expert'], moe_layer_freq=1, n_group=1, topk_group=1, norm_topk_prob=True,
                    scoring_func='sigmoid', routed_scaling_factor=2.5)
    common.update(num_key_value_heads=figures['kv_heads'], head_dim=figures['head'])
    if 'experts' in figures:
        return dict(common, architectures=['Qwen3MoeForCausalLM'], model_type='qwen3_moe', num_experts=figures['experts'],
                    num_experts_per_tok=figures['used'], moe_intermediate_size=figures['expert'], decoder_sparse_step=1,
                    mlp_only_layers=[], norm_topk_prob=True)
    if 'norms' in figures:
        return dict(common, architectures=['Qwen3ForCausalLM'], model_type='qwen3')
    return dict(common, architectures=['LlamaForCausalLM'], model_type='llama')


def billed(figures, run):
    """The same of muster's bill, by its lines."""
    with tempfile.TemporaryDirectory() as home:
        (pathlib.Path(home) / 'config.json').write_text(json.dumps(config(figures)))
        said = subprocess.run([str(MUSTER), 'fit', home, '--kind', 'finetune', '--machine', 'cpu:2 ram:640GiB', '--json',
                               '--method', 'full' if run['full'] else 'lora', '--rank', str(RANK), '--framework', 'hf',
                               '--precision', 'fp32' if run['dtype'] == torch.float32 else 'bf16', '--checkpointing', 'off',
                               '--micro-batch', str(SEQUENCES), '--seq', str(TOKENS)] + ['--eager-attention'] * run['eager'],
                              cwd=home, env={'HOME': home, 'PATH': '/usr/bin:/bin'}, capture_output=True, text=True)
    if said.returncode:
        raise SystemExit(f'muster fit: {said.stderr}{said.stdout}')
    lines = {line['name']: line['bytes'] for line in json.loads(said.stdout)['held']}
    return lines['saved activations'], lines['weights']


MODELS = {
    'dense': {'layers': 2, 'kv_heads': 2, 'head': 32},
    'norms of heads': {'layers': 2, 'kv_heads': 2, 'head': 32, 'norms': True},
    'experts': {'layers': 2, 'kv_heads': 2, 'head': 32, 'norms': True, 'experts': 16, 'used': 4, 'expert': 96},
    'latent': {'layers': 3, 'dense': 1, 'q_rank': 96, 'kv_rank': 64, 'nope': 32, 'rope': 16, 'value': 48, 'experts': 16, 'used': 4,
               'expert': 96, 'shared': 96},
    'latent, plain query': {'layers': 2, 'dense': 1, 'q_rank': 0, 'kv_rank': 64, 'nope': 32, 'rope': 16, 'value': 32, 'experts': 8,
                            'used': 2, 'expert': 160, 'shared': 160},
}


def main():
    wrong = 0
    for name, figures in MODELS.items():
        for full in (True, False):
            for dtype in (torch.float32, torch.bfloat16):
                for eager in (False, True):
                    run = {'full': full, 'dtype': dtype, 'eager': eager}
                    (saved, weights), (said, said_weights) = measured(figures, run), billed(figures, run)
                    off = said / saved - 1
                    bad = abs(off) > WITHIN or weights != said_weights
                    wrong += bad
                    print(f'{name:20} {"full" if full else "lora":5} {str(dtype)[6:]:9} {"eager" if eager else "kernel":7}'
                          f'saved {saved:9} billed {said:9.0f} {off:+8.3%}  weights {weights} billed {said_weights:.0f}'
                          f'{"  WRONG" if bad else ""}')
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
