"""A home with models in it as programs keep them: the hub's cache, Ollama's store, LM Studio's and llama.cpp's folders, and one of nobody's.

The files are GGUF and safetensors headers with as many bytes behind them as they promise; those are a hole, so that a large model takes
no room on the disk.
"""
import hashlib
import json
import os
import pathlib
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'engine'))
import small_model  # noqa: E402

REVISION = '0123456789abcdef' * 2 + '01234567'
SMALL = {'layers': 4, 'width': 512, 'heads': 8, 'kv_heads': 4, 'vocabulary': 4096}
MIDDLE = {'layers': 28, 'width': 2048, 'heads': 16, 'kv_heads': 4, 'vocabulary': 32000}
LARGE = {'layers': 60, 'width': 8192, 'heads': 64, 'kv_heads': 8, 'vocabulary': 32000}

F16, I32 = ('F16', 2), ('I32', 4)
AWQ = {'quant_method': 'awq', 'bits': 4, 'group_size': 128, 'zero_point': True, 'version': 'gemm'}


def put(path, front, more=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, 'wb') as f:
        f.write(front)
        f.truncate(len(front) + more)


def gguf(path, figures):
    put(path, *small_model.decoder(**figures))


def hub(home, repo, name, figures):
    """A blob, and a link to it below the revision that refs/main names."""
    folder = home / '.cache/huggingface/hub' / ('models--' + repo.replace('/', '--'))
    (folder / 'refs').mkdir(parents=True, exist_ok=True)
    (folder / 'refs/main').write_text(REVISION)
    blob, link = folder / 'blobs' / hashlib.sha256(name.encode()).hexdigest(), folder / 'snapshots' / REVISION / name
    gguf(blob, figures)
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(os.path.relpath(blob, link.parent))


def published(folder, quantisation=None):
    """Weights as owners publish them: config.json and one file of safetensors."""
    width, layers, ffn, words = 1024, 8, 2816, 32000
    config = {'architectures': ['LlamaForCausalLM'], 'model_type': 'llama', 'hidden_size': width, 'num_hidden_layers': layers,
              'intermediate_size': ffn, 'num_attention_heads': 16, 'num_key_value_heads': 16, 'vocab_size': words, 'rms_norm_eps': 1e-5,
              'max_position_embeddings': 4096, 'tie_word_embeddings': False, 'torch_dtype': 'float16'}
    if quantisation:
        config['quantization_config'] = quantisation
    tensors, at = {}, 0
    shapes = {'model.embed_tokens.weight': (F16, words, width), 'lm_head.weight': (F16, words, width), 'model.norm.weight': (F16, width)}
    for i in range(layers):
        b = f'model.layers.{i}.'
        for name, rows, row in (('self_attn.q_proj', width, width), ('self_attn.k_proj', width, width), ('self_attn.v_proj', width, width),
                                ('self_attn.o_proj', width, width), ('mlp.gate_proj', ffn, width), ('mlp.up_proj', ffn, width),
                                ('mlp.down_proj', width, ffn)):
            if quantisation:
                groups = row // quantisation['group_size']
                shapes |= {b + name + '.qweight': (I32, row, rows // 8), b + name + '.qzeros': (I32, groups, rows // 8),
                           b + name + '.scales': (F16, groups, rows)}
            else:
                shapes[b + name + '.weight'] = (F16, rows, row)
        shapes |= {b + name + '.weight': (F16, width) for name in ('input_layernorm', 'post_attention_layernorm')}
    for name, ((kind, size), *shape) in shapes.items():
        for n in shape:
            size *= n
        tensors[name] = {'dtype': kind, 'shape': shape, 'data_offsets': [at, at + size]}
        at += size
    text = json.dumps(tensors).encode()
    put(folder / 'config.json', json.dumps(config).encode())
    put(folder / 'model.safetensors', struct.pack('<Q', len(text)) + text, at)


def ollama(home, name, tag, figures, quant):
    store = home / '.ollama/models'
    layers = []
    config = json.dumps({'model_format': 'gguf', 'model_family': 'llama', 'file_type': quant}).encode()
    for kind, what in (('config', config), ('model', None)):
        digest = hashlib.sha256(f'{name}:{tag}:{kind}'.encode()).hexdigest()
        blob = store / 'blobs' / f'sha256-{digest}'
        if what is None:
            gguf(blob, figures)
        else:
            put(blob, what)
        media = 'application/vnd.docker.container.image.v1+json' if kind == 'config' else 'application/vnd.ollama.image.model'
        layers.append({'mediaType': media, 'digest': 'sha256:' + digest, 'size': blob.stat().st_size})
    manifest = {'schemaVersion': 2, 'mediaType': 'application/vnd.docker.distribution.manifest.v2+json', 'config': layers[0],
                'layers': layers[1:]}
    put(store / 'manifests/registry.ollama.ai/library' / name / tag, json.dumps(manifest).encode())


def fill(home):
    home = pathlib.Path(home)
    hub(home, 'maker/chat-1B-GGUF', 'chat-1B-Q8_0.gguf', MIDDLE)
    hub(home, 'maker/chat-24B-GGUF', 'chat-24B-Q8_0.gguf', LARGE)
    hub(home, 'maker/split-GGUF', 'split-Q8_0-00001-of-00002.gguf', SMALL)
    for name, quantisation in (('published', None), ('published-AWQ', AWQ)):
        folder = home / f'.cache/huggingface/hub/models--maker--{name}'
        published(folder / 'snapshots' / REVISION, quantisation)
        put(folder / 'refs/main', REVISION.encode())
    ollama(home, 'little', 'latest', SMALL, 'Q8_0')
    gguf(home / '.lmstudio/models/maker/seeing-GGUF/seeing-Q8_0.gguf', SMALL)
    gguf(home / '.lmstudio/models/maker/seeing-GGUF/mmproj-seeing-F16.gguf', SMALL)
    gguf(home / '.cache/llama.cpp/maker_old-GGUF_old-Q8_0.gguf', SMALL)
    gguf(home / 'mine/plain.gguf', SMALL)
