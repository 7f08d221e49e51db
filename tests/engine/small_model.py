"""Headers of models small enough to run in a test: a decoder without a vocabulary of words, and an encoder with one of our own words.

muster-engine's test "fill" puts random weights behind them.
"""
import json
import struct
import subprocess

ALIGNMENT, F32, Q8_0 = 32, 0, 8
BLOCK = {F32: (1, 4), Q8_0: (32, 34)}
# The words of the engine's sentences that this vocabulary knows; the others are [UNK].
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + ["▁" + word for word in """the a of on by up in was about every my
last old grey cat train day river letter baker corner student weather roads winter apples hill market note door kitchen two slowly
before moved left from careful record could not decide between us story took longer than anybody had expected""".split()] + ["▁."]


def text(s):
    return struct.pack("<Q", len(s.encode())) + s.encode()


class Floats(list):
    """A list of F32, where a plain one is of texts."""


def value(v):
    if isinstance(v, Floats):
        return struct.pack("<IIQ", 9, 6, len(v)) + struct.pack("<%df" % len(v), *v)
    if isinstance(v, bool):
        return struct.pack("<I?", 7, v)
    if isinstance(v, int):
        return struct.pack("<II", 4, v)
    if isinstance(v, float):
        return struct.pack("<If", 6, v)
    if isinstance(v, list):
        return struct.pack("<IIQ", 9, 8, len(v)) + b"".join(text(s) for s in v)
    return struct.pack("<I", 8) + text(v)


def header(keys, tensors):
    """tensors: (name, type, dimensions with the row's length first)"""
    out = struct.pack("<4sIQQ", b"GGUF", 3, len(tensors), len(keys))
    for key, v in keys.items():
        out += text(key) + value(v)
    offset = 0
    for name, kind, dims in tensors:
        out += text(name) + struct.pack("<I%dQIQ" % len(dims), len(dims), *dims, kind, offset)
        values, size = 1, 0
        for d in dims:
            values *= d
        block, block_bytes = BLOCK[kind]
        size = values // block * block_bytes
        offset += -(-size // ALIGNMENT) * ALIGNMENT
    return out + b"\0" * (-len(out) % ALIGNMENT), offset


def decoder(layers=3, width=64, heads=4, kv_heads=2, vocabulary=320, window=0, context=4096):
    head, ffn, arch = width // heads, 2 * width, "gemma3" if window else "llama"
    keys = {"general.architecture": arch, "general.name": "small decoder", "tokenizer.ggml.model": "no_vocab",
            arch + ".vocab_size": vocabulary, arch + ".context_length": context, arch + ".embedding_length": width,
            arch + ".block_count": layers, arch + ".feed_forward_length": ffn, arch + ".attention.head_count": heads,
            arch + ".attention.head_count_kv": kv_heads, arch + ".attention.layer_norm_rms_epsilon": 1e-5,
            arch + ".rope.dimension_count": head}
    if window:
        keys.update({arch + ".attention.sliding_window": window, arch + ".attention.key_length": head,
                     arch + ".attention.value_length": head})
    tensors = [("token_embd.weight", Q8_0, (width, vocabulary)), ("output_norm.weight", F32, (width,))]
    if not window:
        tensors.append(("output.weight", Q8_0, (width, vocabulary)))
    for i in range(layers):
        b = "blk.%d." % i
        tensors += [(b + "attn_norm.weight", F32, (width,)), (b + "ffn_norm.weight", F32, (width,)),
                    (b + "attn_q.weight", Q8_0, (width, width)), (b + "attn_output.weight", Q8_0, (width, width)),
                    (b + "attn_k.weight", Q8_0, (width, head * kv_heads)),
                    (b + "attn_v.weight", Q8_0, (width, head * kv_heads)), (b + "ffn_gate.weight", Q8_0, (width, ffn)),
                    (b + "ffn_up.weight", Q8_0, (width, ffn)), (b + "ffn_down.weight", Q8_0, (ffn, width))]
        if window:
            tensors += [(b + name + ".weight", F32, (n,)) for name, n in (
                ("attn_q_norm", head), ("attn_k_norm", head), ("post_attention_norm", width), ("post_ffw_norm", width))]
    return header(keys, tensors)


def encoder(layers=2, width=64, heads=4, words=True, pooling=1, context=512):
    ffn, vocabulary = 2 * width, len(WORDS)
    keys = {"general.architecture": "bert", "general.name": "small encoder", "bert.context_length": context,
            "bert.embedding_length": width, "bert.block_count": layers, "bert.feed_forward_length": ffn,
            "bert.attention.head_count": heads, "bert.attention.layer_norm_epsilon": 1e-12, "bert.attention.causal": False,
            "tokenizer.ggml.token_type_count": 2}
    if pooling is not None:
        keys["bert.pooling_type"] = pooling
    if words:
        keys.update({"tokenizer.ggml.model": "bert", "tokenizer.ggml.tokens": WORDS, "tokenizer.ggml.padding_token_id": 0,
                     "tokenizer.ggml.unknown_token_id": 1, "tokenizer.ggml.cls_token_id": 2,
                     "tokenizer.ggml.bos_token_id": 2, "tokenizer.ggml.seperator_token_id": 3,
                     "tokenizer.ggml.mask_token_id": 4})
    else:
        keys.update({"tokenizer.ggml.model": "no_vocab", "bert.vocab_size": vocabulary})
    tensors = [("token_embd.weight", F32, (width, vocabulary)), ("position_embd.weight", F32, (width, context)),
               ("token_types.weight", F32, (width, 2)), ("token_embd_norm.weight", F32, (width,)),
               ("token_embd_norm.bias", F32, (width,))]
    for i in range(layers):
        b = "blk.%d." % i
        for name, rows, row in (("attn_q", width, width), ("attn_k", width, width), ("attn_v", width, width),
                                ("attn_output", width, width), ("ffn_up", ffn, width), ("ffn_down", width, ffn)):
            tensors += [(b + name + ".weight", F32, (row, rows)), (b + name + ".bias", F32, (rows,))]
        for name in "attn_output_norm", "layer_output_norm":
            tensors += [(b + name + ".weight", F32, (width,)), (b + name + ".bias", F32, (width,))]
    return header(keys, tensors)


def make(engine, path, made):
    """Writes the file and has the engine fill it."""
    head, data_bytes = made
    with open(path, "wb") as file:
        file.write(head)
    done = subprocess.run([engine, "fill"], input=json.dumps({"file": path}).encode(), capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    with open(path, "rb+") as file:
        assert file.seek(0, 2) >= len(head)
        if file.tell() < len(head) + data_bytes:
            file.truncate(len(head) + data_bytes)
    return path
