"""What tools/bench times that has to be made first: headers of very many tensors, and stores of thousands of names."""
import json
import os
import struct

WIDTH, INNER, VOCABULARY, EXPERTS, LAYERS = 64, 128, 1000, 64, 512
TENSORS = LAYERS * (7 + 3 * EXPERTS) + 3
NAMES = 4000
REVISION = '0123456789abcdef0123456789abcdef01234567'
# As many tensors of a GGUF file: nine a layer. More layers than llama.cpp loads, but a header like any other.
GGUF_FIGURES = {'arch': 'llama', 'n_layer': TENSORS // 9, 'n_embd': WIDTH, 'n_head': 4, 'n_head_kv': 2, 'n_ff': INNER, 'n_vocab': VOCABULARY,
                'n_ctx_train': 8192, 'tied': False}


def tensors():
    """(name, dimensions) of a mixture of experts as published."""
    yield from (('model.embed_tokens', (VOCABULARY, WIDTH)), ('lm_head', (VOCABULARY, WIDTH)), ('model.norm', (WIDTH,)))
    for layer in range(LAYERS):
        at = f'model.layers.{layer}.'
        for name, rows in (('q', WIDTH), ('k', WIDTH // 2), ('v', WIDTH // 2), ('o', WIDTH)):
            yield f'{at}self_attn.{name}_proj', (rows, WIDTH)
        yield at + 'input_layernorm', (WIDTH,)
        yield at + 'post_attention_layernorm', (WIDTH,)
        yield at + 'block_sparse_moe.gate', (EXPERTS, WIDTH)
        for expert in range(EXPERTS):
            for name, dims in (('w1', (INNER, WIDTH)), ('w2', (WIDTH, INNER)), ('w3', (INNER, WIDTH))):
                yield f'{at}block_sparse_moe.experts.{expert}.{name}', dims


def safetensors(folder):
    """A folder with config.json and one file of TENSORS tensors, a hole behind its header."""
    folder.mkdir()
    (folder / 'config.json').write_text(json.dumps({
        'architectures': ['MixtralForCausalLM'], 'model_type': 'mixtral', 'hidden_size': WIDTH, 'intermediate_size': INNER,
        'num_hidden_layers': LAYERS, 'num_attention_heads': 4, 'num_key_value_heads': 2, 'num_local_experts': EXPERTS,
        'num_experts_per_tok': 2, 'vocab_size': VOCABULARY, 'max_position_embeddings': 8192, 'rms_norm_eps': 1e-5,
        'torch_dtype': 'bfloat16', 'tie_word_embeddings': False, 'hidden_act': 'silu'}))
    header, at = {}, 0
    for name, dims in tensors():
        end = at + 2 * dims[0] * (dims[1] if len(dims) > 1 else 1)
        header[name + '.weight'] = {'dtype': 'BF16', 'shape': dims, 'data_offsets': [at, end]}
        at = end
    text = json.dumps(header).encode()
    text += b' ' * (-len(text) % 8)
    with open(folder / 'model.safetensors', 'wb') as f:
        f.write(struct.pack('<Q', len(text)) + text)
        f.truncate(8 + len(text) + at)


def hub(folder):
    """A cache of the hub with one repository: NAMES links, the last of which is what its name means."""
    snapshot, blobs = folder / 'models--org--name' / 'snapshots' / REVISION, folder / 'models--org--name' / 'blobs'
    for path in (snapshot, blobs, folder / 'models--org--name' / 'refs'):
        path.mkdir(parents=True)
    (folder / 'models--org--name' / 'refs' / 'main').write_text(REVISION)
    (blobs / 'blob').write_bytes(b'GGUF')
    for i in range(NAMES - 1):
        os.symlink('../../blobs/blob', snapshot / f'file-{i:05}.gguf')
    os.symlink('../../blobs/blob', snapshot / 'model-Q4_K_M.gguf')


def ollama(folder):
    """A store of Ollama's with NAMES models that share one blob."""
    models, digest = folder / 'manifests' / 'registry.ollama.ai' / 'library', '0' * 64
    (folder / 'blobs').mkdir(parents=True)
    (folder / 'blobs' / f'sha256-{digest}').write_bytes(b'GGUF')
    layer = {'mediaType': 'application/vnd.ollama.image.model', 'digest': f'sha256:{digest}', 'size': 4}
    for i in range(NAMES):
        (models / f'model{i}').mkdir(parents=True)
        (models / f'model{i}' / 'latest').write_text(json.dumps({'schemaVersion': 2, 'layers': [layer]}))
