#!/usr/bin/python3
"""--online against real servers on loopback: nginx as a hub, its redirects to another host, and a registry; and one that lies
(lying.py). What a header fetched by ranges says is what the whole file says; what is refused is refused in one sentence.

test_http.py MUSTER MAKE_MODEL
"""
import json
import os
import pathlib
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

import lying

MUSTER, MAKE_MODEL = (pathlib.Path(path).resolve() for path in sys.argv[1:3])
NGINX = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
WAIT_S = 60
SECRET = "hf_secretSECRETsecret"
MACHINE = ("--machine", "cpu:8 ram:32GiB bandwidth:60GB/s")
DIGEST = "ab" * 32

CONFIG = """
daemon off; pid {base}/nginx.pid; error_log {base}/error.log; worker_processes 1; {user}
events {{}}
http {{
  log_format all '$server_port|$status|$request_uri|$http_range|$http_if_none_match|$http_authorization|$body_bytes_sent';
  access_log {base}/access.log all;
  client_body_temp_path {base}/t1; proxy_temp_path {base}/t2; fastcgi_temp_path {base}/t3; uwsgi_temp_path {base}/t4; scgi_temp_path {base}/t5;
  default_type application/octet-stream;
  server {{
    listen 127.0.0.1:{hub}; root {base}/hub;
    location ~ ^/(org/[^/]+)/resolve/main/(.*\\.gguf)$ {{ return 302 http://127.0.0.1:{cdn}/$1/$2; }}
    location ~ ^/(org/[^/]+)/resolve/main/(.*)$ {{ alias {base}/cdn/$1/$2; }}
    location ~ ^/(org/[^/]+)/resolve/(v2\.0|refs/pr/1)/(.*)$ {{ return 302 http://127.0.0.1:{cdn}/$1/$2/$3; }}
    location ~ ^/v2/library/([a-z]+)/blobs/sha256:(.*)$ {{ return 307 http://127.0.0.1:{cdn}/blobs/$2?signature=verysecret; }}
    location /api/models/gated/ {{ if ($http_authorization = "") {{ return 401; }} if ($http_authorization != "Bearer {secret}") {{ return 403; }} }}
    location ~ ^/gated/([^/]+)/resolve/main/(.*)$ {{ if ($http_authorization = "") {{ return 401; }} return 302 http://127.0.0.1:{cdn}/org/$1/$2; }}
    location /v2/library/closed/ {{ add_header WWW-Authenticate 'Bearer realm="http://127.0.0.1/token",service="x"' always; return 401; }}
    location /s401/ {{ return 401; }}
    location /s403/ {{ return 403; }}
    location /s429/ {{ add_header Retry-After 3600 always; return 429; }}
    location /s500/ {{ return 500; }}
    location /s418/ {{ return 418; }}
  }}
  server {{ listen 127.0.0.1:{cdn}; root {base}/cdn; }}
  server {{ listen 127.0.0.1:{tls} ssl; root {base}/cdn; ssl_certificate {base}/own.pem; ssl_certificate_key {base}/own.key; }}
}}
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def gguf(pairs, tensors=0):
    """A GGUF header: pairs of (key, bytes of type and value)."""
    out = b"GGUF" + struct.pack("<IQQ", 3, tensors, len(pairs))
    for key, value in pairs:
        out += struct.pack("<Q", len(key)) + key + value
    return out


def text_value(text):
    return struct.pack("<IQ", 8, len(text)) + text


def safetensors(tensors):
    at, header = 0, {}
    for name, shape in tensors.items():
        n = 2
        for d in shape:
            n *= d
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [at, at + n]}
        at += n
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text, at


class Online(unittest.TestCase):
    marks = logged = 0

    @classmethod
    def setUpClass(cls):
        if not NGINX:
            sys.exit("test_http.py: nginx is not installed; tools/setup test installs it")
        cls.base = pathlib.Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.base)
        cls.hub, cls.cdn, cls.tls = free_port(), free_port(), free_port()
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-keyout",
                        cls.base / "own.key", "-out", cls.base / "own.pem"], check=True, capture_output=True, timeout=WAIT_S)
        cls.lay_out()
        user = "user root;" if os.geteuid() == 0 else ""
        config = cls.base / "nginx.conf"
        config.write_text(CONFIG.format(base=cls.base, hub=cls.hub, cdn=cls.cdn, tls=cls.tls, secret=SECRET, user=user))
        cls.nginx = subprocess.Popen([NGINX, "-c", config, "-p", cls.base, "-e", cls.base / "error.log"])
        cls.addClassCleanup(cls.stop)
        until = time.monotonic() + WAIT_S
        while time.monotonic() < until:
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", cls.cdn)) == 0:
                    break
            time.sleep(0.05)
        cls.liar = lying.start(cls.base / "cdn")
        cls.addClassCleanup(cls.liar.shutdown)

    @classmethod
    def stop(cls):
        cls.nginx.terminate()
        cls.nginx.wait(WAIT_S)

    @classmethod
    def file(cls, path, content=b""):
        path = cls.base / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    @staticmethod
    def front(path, size):
        with open(path, "rb") as f:
            return f.read(size)

    @classmethod
    def model(cls, path, quant="Q4_K_M", name="Qwen2.5-0.5B", *more):
        path = cls.file(path)
        subprocess.run([MAKE_MODEL, name, quant, path, "--header-only", *more], check=True, capture_output=True, timeout=WAIT_S)
        return path

    @classmethod
    def listed(cls, repo, *names, body=None, revision="main"):
        entries = [{"type": "file", "oid": "0", "size": 1, "path": name} for name in names] + [{"type": "directory", "path": "more"}]
        cls.file(f"hub/api/models/{repo}/tree/{revision}", json.dumps(entries).encode() if body is None else body)

    @classmethod
    def lay_out(cls):
        cls.whole = cls.model("cdn/org/some/m-Q4_K_M.gguf")
        cls.small = cls.model("cdn/org/some/m-Q8_0.gguf", "Q8_0", "Qwen2.5-0.5B", "--bare", "--layers", "2")
        cls.file("cdn/front.gguf", cls.front(cls.whole, 5 << 20))  # what is sent from memory is not large
        cls.listed("org/some", "README.md", "m-Q8_0.gguf", "m-Q4_K_M.gguf", "mmproj-F16.gguf")
        cls.tagged = cls.model("cdn/org/some/v2.0/m-Q4_K_M.gguf", "Q4_K_M", "Qwen2.5-0.5B", "--bare", "--layers", "3")
        cls.asked_for = cls.model("cdn/org/some/refs/pr/1/m-Q4_K_M.gguf", "Q4_K_M", "Qwen2.5-0.5B", "--bare", "--layers", "4")
        for revision in ("v2.0", "refs/pr/1"):
            cls.listed("org/some", "m-Q4_K_M.gguf", revision=revision)
        cls.listed("org/none", "README.md", "model.bin")
        cls.listed("org/garbage", body=b"<html>no list</html>")
        cls.listed("org/map", body=b'{"error": "x"}')
        cls.listed("org/evil", body=json.dumps([{"type": "file", "path": p} for p in (
            "../../../../evil.gguf", "/etc/evil.gguf", "a/../../evil.gguf", ".hidden.gguf", "..\\evil.gguf", "evil\n.gguf")]).encode())
        cls.listed("gated/some", "m-Q8_0.gguf")
        config = {"model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 64, "intermediate_size": 128,
                  "num_hidden_layers": 1, "num_attention_heads": 4, "num_key_value_heads": 4, "vocab_size": 100,
                  "max_position_embeddings": 512, "tie_word_embeddings": False, "torch_dtype": "bfloat16"}
        cls.file("cdn/org/st/config.json", json.dumps(config).encode())
        shards = [{"model.embed_tokens.weight": [100, 64], "model.norm.weight": [64]}, {"lm_head.weight": [100, 64]}]
        where = {}
        for i, shard in enumerate(shards, 1):
            name = f"model-0000{i}-of-00002.safetensors"
            header, length = safetensors(shard)
            cls.file("cdn/org/st/" + name, header + bytes(length))
            where.update({tensor: name for tensor in shard})
        cls.file("cdn/org/st/model.safetensors.index.json", json.dumps({"metadata": {}, "weight_map": where}).encode())
        cls.listed("org/st", "config.json", "model.safetensors.index.json", *sorted(set(where.values())))
        manifest = {"schemaVersion": 2, "layers": [{"mediaType": "application/vnd.ollama.image.model", "digest": "sha256:" + DIGEST,
                                                    "size": cls.small.stat().st_size}]}
        cls.file("hub/v2/library/some/manifests/latest", json.dumps(manifest).encode())
        cls.file("hub/v2/library/bad/manifests/latest", b'{"layers": [{"mediaType": "application/vnd.ollama.image.model", "digest": "../x"}]}')
        cls.file("cdn/blobs/" + DIGEST, b"")
        shutil.copy(cls.small, cls.base / "cdn/blobs" / DIGEST)
        cls.file("cdn/empty.gguf")
        cls.file("cdn/text.gguf", b"not a model")
        big = cls.file("cdn/huge.gguf", gguf([(b"general.architecture", text_value(b"llama")), (b"x", struct.pack("<IQ", 8, 1 << 30))]))
        os.truncate(big, 1 << 31)

    def setUp(self):
        self.home = pathlib.Path(tempfile.mkdtemp(dir=self.base))
        self.addCleanup(shutil.rmtree, self.home)
        self.env = {"HOME": str(self.home), "PATH": "/usr/bin:/bin", "HF_ENDPOINT": f"http://127.0.0.1:{self.hub}"}

    def run_it(self, *words, status=0):
        done = subprocess.run([MUSTER, *words], env=self.env, cwd=self.home, capture_output=True, text=True, timeout=WAIT_S)
        self.assertNotIn(SECRET, done.stdout + done.stderr)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done

    def fit(self, operand, *more, status=0):
        done = self.run_it("fit", operand, *MACHINE, "--json", *more, status=status)
        return json.loads(done.stdout) if status == 0 else done.stderr

    def requests(self):
        """What nginx was asked since the last call. It writes its log after it answered; what is asked last stands there last."""
        cls = type(self)
        cls.marks += 1
        mark = f"/mark-{cls.marks}-"
        with socket.create_connection(("127.0.0.1", self.hub), WAIT_S) as s:
            s.sendall(f"GET {mark} HTTP/1.0\r\n\r\n".encode())
            while s.recv(4096):
                pass
        until = time.monotonic() + WAIT_S
        while mark not in (text := (self.base / "access.log").read_text()):
            self.assertLess(time.monotonic(), until, "nginx logs nothing")
            time.sleep(0.02)
        new, cls.logged = text[cls.logged:], len(text)
        keys = ("port", "status", "uri", "range", "known", "token", "bytes")
        return [dict(zip(keys, line.split("|"))) for line in new.splitlines() if "/mark-" not in line]

    def same_as(self, answer, path):
        here = self.fit(path)
        for document in (answer, here):
            del document["model"]["source"]  # the path
        for key in set(here) | set(answer):
            if key not in ("notes", "command", "runtimes"):
                self.assertEqual(answer[key], here[key], key)

    def copies(self):
        return sorted(p for p in self.home.rglob("*") if p.is_file() and not p.name.startswith("."))

    def lie(self, way, name="front.gguf"):
        return f"http://127.0.0.1:{self.liar.server_port}/{way}/{name}"

    def refused(self, operand, status, words):
        said = self.fit(operand, "--online", status=status)
        self.assertRegex(said, words)
        self.assertEqual(len(said.splitlines()), 1, said)
        return said

    # ---- a hub

    def test_hub(self):
        self.requests()
        answer = self.fit("hf:org/some", "--online")
        self.same_as(answer, self.whole)
        asked = self.requests()
        self.assertTrue(all(int(r["bytes"]) < 8 << 20 for r in asked), asked)
        self.assertEqual({r["status"] for r in asked if r["port"] == str(self.cdn)}, {"206"})
        copy, = self.copies()
        self.assertEqual(copy.name, "m-Q4_K_M.gguf")
        self.assertLess(copy.stat().st_size, 8 << 20)
        self.assertEqual(copy.read_bytes(), self.front(self.whole, copy.stat().st_size))
        # asked again: unchanged, and no byte of it is sent
        self.same_as(self.fit("hf:org/some", "--online"), self.whole)
        again = [r for r in self.requests() if r["port"] == str(self.cdn)]
        self.assertEqual([(r["status"], r["bytes"]) for r in again], [("304", "0")])
        # and without asking
        kept = self.fit("hf:org/some")
        self.same_as(kept, self.whole)
        self.assertTrue(any("--online asks whether it changed" in note for note in kept["notes"]))
        self.assertEqual(self.requests(), [])
        # a changed file is fetched anew
        os.utime(self.whole, (1e9, 1e9))
        self.fit("hf:org/some", "--online")
        self.assertIn("206", {r["status"] for r in self.requests()})

    def test_hub_choice(self):
        for operand in ("hf:org/some:Q8_0", "hf:org/some:m-Q8_0.gguf"):
            self.same_as(self.fit(operand, "--online"), self.small)
        self.refused("hf:org/some:Q2_K", 66, "there is m-Q8_0.gguf, m-Q4_K_M.gguf")
        self.refused("hf:org/none", 66, "of its 2 files none is a GGUF model")

    def test_hub_revisions(self):
        self.requests()
        for operand, there in (("hf:org/some@v2.0", self.tagged), ("hf:org/some@refs/pr/1:Q4_K_M", self.asked_for), ("hf:org/some@main:Q8_0", self.small)):
            self.same_as(self.fit(operand, "--online"), there)
        self.assertEqual([r["uri"] for r in self.requests() if "refs" in r["uri"] and r["port"] == str(self.hub)],
                         ["/api/models/org/some/tree/refs%2Fpr%2F1?recursive=true", "/org/some/resolve/refs%2Fpr%2F1/m-Q4_K_M.gguf"])
        # each has copies of its own, found again without asking
        for operand, there in (("hf:org/some@v2.0", self.tagged), ("hf:org/some@refs/pr/1", self.asked_for), ("hf:org/some:Q8_0", self.small)):
            self.same_as(self.fit(operand), there)
        self.assertEqual(self.requests(), [])
        self.refused("hf:org/some@v3.0", 66, "404")
        for evil in ("..", "a/../b", "/x", "x/", "v 2", "a?b", "a%2Fb", "", "v2@v3"):
            self.refused(f"hf:org/some@{evil}", 66, "cannot take")
        self.assertEqual([r["uri"] for r in self.requests()], ["/api/models/org/some/tree/v3.0?recursive=true"])

    def test_hub_published(self):
        self.fit("hf:org/st", "--online", "--quant", "Q4_0")
        self.assertEqual([p.name for p in self.copies()], ["config.json", "model-00001-of-00002.safetensors",
                                                           "model-00002-of-00002.safetensors", "model.safetensors.index.json"])
        sizes = [p.stat().st_size for p in self.copies()]
        self.assertTrue(all(size < 4096 for size in sizes), sizes)
        self.fit("hf:org/st", "--quant", "Q4_0")

    def test_need_and_trial(self):
        there = json.loads(self.run_it("need", "hf:org/some:Q8_0", "--online", "--json").stdout)
        here = json.loads(self.run_it("need", self.small, "--json").stdout)
        self.assertEqual([level["ram_bytes"] for level in there["levels"]], [level["ram_bytes"] for level in here["levels"]])
        url = f"http://127.0.0.1:{self.hub}/org/some/resolve/main/m-Q8_0.gguf"
        self.assertIn("--online", self.run_it("trial", url, status=66).stderr)

    def test_command(self):
        url = f"http://127.0.0.1:{self.cdn}/org/some/m-Q8_0.gguf"
        said = self.run_it("fit", url + "?signature=verysecret", *MACHINE, "--online").stdout
        self.assertIn(f"llama-server --model-url {url} ", said.replace("\\\n", " ").replace("      ", " ").replace("  ", " "))
        self.assertNotIn("verysecret", said)

    def test_unasked(self):
        self.requests()
        for operand in ("hf:org/some", f"http://127.0.0.1:{self.hub}/org/some/resolve/main/m-Q8_0.gguf?token=secret",
                        f"ollama:127.0.0.1:{self.hub}/library/some"):
            said = self.fit(operand, status=66)
            self.assertIn("--online", said)
            self.assertNotIn("secret", said)
        self.assertEqual(self.requests(), [])

    def test_bad_lists(self):
        self.refused("hf:org/garbage", 65, "the list of its files")
        self.refused("hf:org/map", 65, "no list of files")
        self.refused("hf:org/evil", 66, "of its")
        self.refused("hf:org/absent", 66, "404")
        self.assertEqual(self.copies(), [])
        self.assertEqual(list(self.base.rglob("evil*.gguf")), [])

    # ---- the token

    def test_token(self):
        self.refused("hf:gated/some", 77, r"401.*HF_TOKEN")
        self.env["HF_TOKEN"] = "wrong"
        self.refused("hf:gated/some", 77, "403")
        self.env["HF_TOKEN"] = SECRET
        self.requests()
        self.same_as(self.fit("hf:gated/some", "--online"), self.small)
        asked = self.requests()
        self.assertTrue(all(r["token"] == "Bearer " + SECRET for r in asked if r["port"] == str(self.hub)), asked)
        elsewhere = [r for r in asked if r["port"] == str(self.cdn)]
        self.assertTrue(elsewhere)
        self.assertTrue(all(r["token"] == "-" for r in elsewhere), elsewhere)
        for path in self.home.rglob("*"):
            self.assertFalse(path.is_file() and SECRET.encode() in path.read_bytes(), path)
        # another host's address never gets it
        self.fit(f"http://127.0.0.1:{self.cdn}/org/some/m-Q8_0.gguf", "--online")
        self.assertTrue(all(r["token"] == "-" for r in self.requests()))

    def test_token_of_a_file(self):
        kept = self.file("kept-token", b"wrong\n")
        self.env["HF_TOKEN_PATH"] = str(kept)
        self.refused("hf:gated/some", 77, "403.*logging in")
        kept.write_text(SECRET + "\n")
        self.env["HF_HUB_DISABLE_IMPLICIT_TOKEN"] = "1"
        self.refused("hf:gated/some", 77, "401")
        del self.env["HF_HUB_DISABLE_IMPLICIT_TOKEN"]
        self.env["HF_TOKEN"] = "wrong"  # what is given comes first
        self.refused("hf:gated/some", 77, "403")
        del self.env["HF_TOKEN"]
        self.requests()
        self.same_as(self.fit("hf:gated/some", "--online"), self.small)
        self.assertTrue(all(r["token"] == "-" for r in self.requests() if r["port"] == str(self.cdn)))
        for path in self.home.rglob("*"):
            self.assertFalse(path.is_file() and SECRET.encode() in path.read_bytes(), path)

    def test_token_file_of_the_home(self):
        kept = self.home / ".cache" / "huggingface" / "token"
        kept.parent.mkdir(parents=True)
        kept.write_text(SECRET)
        self.same_as(self.fit("hf:gated/some", "--online"), self.small)
        for path in (p for p in self.home.rglob("*") if p.is_file() and p != kept):
            self.assertNotIn(SECRET.encode(), path.read_bytes(), path)
        shutil.rmtree(self.home / ".cache" / "muster")
        for bad in (b"", b"two\nlines", SECRET.encode() + b"\r\nX-Other: 1", b"\0", b"x" * 9000):
            kept.write_bytes(bad)
            self.requests()
            self.refused("hf:gated/some", 77, "40[13]")
            self.assertFalse(any("Other" in r["token"] for r in self.requests()))

    def test_offline(self):
        self.env["HF_HUB_OFFLINE"] = "1"
        self.requests()
        self.refused("hf:org/some", 69, "HF_HUB_OFFLINE")
        self.assertEqual(self.requests(), [])

    def test_certificate_of_its_own(self):
        self.env.update(HF_TOKEN=SECRET, HF_ENDPOINT=f"https://localhost:{self.tls}")
        self.requests()
        self.refused("hf:org/some", 69, "certificate")
        self.assertEqual([r for r in self.requests() if r["port"] == str(self.tls)], [])

    def test_token_of_two_lines(self):
        self.env["HF_TOKEN"] = SECRET + "\r\nX-Other: 1"
        self.refused("hf:org/some", 64, "control characters")

    # ---- a registry

    def test_registry(self):
        operand = f"ollama:127.0.0.1:{self.hub}/library/some"
        answer = self.fit(operand, "--online")
        self.same_as(answer, self.small)
        for path in self.home.rglob("*"):
            self.assertFalse(path.is_file() and b"verysecret" in path.read_bytes(), path)
        self.requests()
        self.same_as(self.fit(operand), self.small)
        self.assertEqual(self.requests(), [])
        self.refused(f"ollama:127.0.0.1:{self.hub}/library/absent", 66, "404")
        self.refused(f"ollama:127.0.0.1:{self.hub}/library/bad", 65, "no SHA-256")
        said = self.refused(f"ollama:127.0.0.1:{self.hub}/library/closed", 77, "401.*no token of a registry's.*ollama pull")
        self.assertNotIn("HF_TOKEN", said)

    # ---- addresses

    def test_split(self):
        parts = self.base / "cdn/org/split"
        for i in (1, 3):
            self.file(f"cdn/org/split/x-0000{i}-of-00003.gguf")
            shutil.copy(self.small, parts / f"x-0000{i}-of-00003.gguf")
        self.refused(f"http://127.0.0.1:{self.cdn}/org/split/x-00001-of-00003.gguf", 66, "part 2 of 3.*404")

    def test_split_whole(self):
        """Three parts, each with a tensor of its own; of each only the header is fetched."""
        number = lambda key, kind, form, value: (key, struct.pack("<I" + form, kind, value))
        shared = [("llama.block_count", 1), ("llama.context_length", 512), ("llama.embedding_length", 32),
                  ("llama.feed_forward_length", 64), ("llama.attention.head_count", 4)]
        names = ["token_embd.weight", "output_norm.weight", "blk.0.attn_norm.weight"]
        for i, name in enumerate(names):
            pairs = [number(b"split.no", 2, "H", i), number(b"split.count", 2, "H", 3), number(b"split.tensors.count", 5, "i", 3)]
            if i == 0:
                pairs += [(b"general.architecture", text_value(b"llama"))] + [number(k.encode(), 4, "I", v) for k, v in shared]
            dims = [32, 100] if i == 0 else [32]
            tensor = struct.pack("<Q", len(name)) + name.encode() + struct.pack("<I", len(dims))
            tensor += b"".join(struct.pack("<Q", d) for d in dims) + struct.pack("<IQ", 0, 0)
            front = gguf(pairs, tensors=1) + tensor
            front += bytes(-len(front) % 32)
            self.file(f"cdn/org/parts/y-0000{i + 1}-of-00003.gguf", front + bytes(4 * 32 * (100 if i == 0 else 1)))
        name = "org/parts/y-00001-of-00003.gguf"
        self.same_as(self.fit(f"http://127.0.0.1:{self.cdn}/{name}", "--online"), self.base / "cdn" / name)
        self.assertEqual([p.stat().st_size % 32 for p in self.copies()], [0, 0, 0])

    def test_addresses(self):
        base = f"http://127.0.0.1:{self.cdn}/"
        self.same_as(self.fit(base + "org/some/m-Q8_0.gguf", "--online"), self.small)
        self.fit(base + "org/st/config.json", "--online", "--quant", "Q4_0")
        self.fit(base + "org/st/model-00001-of-00002.safetensors", "--online", "--quant", "Q4_0")
        page = f"http://127.0.0.1:{self.hub}/org/some/blob/main/m-Q8_0.gguf"
        self.same_as(self.fit(page, "--online"), self.small)
        self.refused(base + "empty.gguf", 65, "empty")
        self.refused(base + "text.gguf", 65, "not a GGUF file")
        self.refused(base + "README.md", 66, "leads to no GGUF file")
        self.refused(base, 66, "no file's name")
        self.refused(base + "x/..", 66, "no file's name")
        self.refused("http://user:password@127.0.0.1/x.gguf", 64, "names a user")
        self.refused("http://127.0.0.1:1/x.gguf", 69, "cannot read http://127.0.0.1:1/x.gguf")

    def test_statuses(self):
        base = f"http://127.0.0.1:{self.hub}/"
        for name, status, words in (("s401", 77, r"401.*HF_TOKEN"), ("s403", 77, "403"), ("s429", 69, "429.*3600"), ("s500", 69, "500, time and again"),
                                    ("s418", 69, "418"), ("absent", 66, "404")):
            with self.subTest(name):
                self.refused(f"{base}{name}/x.gguf", status, words)

    def test_no_hub(self):
        self.env["HF_ENDPOINT"] = "http://127.0.0.1:1"
        for name in ("s401", "s403"):
            self.assertNotIn("HF_TOKEN", self.refused(f"http://127.0.0.1:{self.hub}/{name}/x.gguf", 77, name[1:] + ".*fetch it first"))

    def test_huge_header(self):
        self.requests()
        self.refused(f"http://127.0.0.1:{self.cdn}/huge.gguf", 65, "no known one is")
        self.assertLess(sum(int(r["bytes"]) for r in self.requests()), 200 << 20)
        self.assertEqual(self.copies(), [])

    def test_proxy(self):
        url = "http://models.invalid/org/some/m-Q8_0.gguf"
        self.refused(url, 69, "cannot read")
        self.env["http_proxy"] = f"http://127.0.0.1:{self.cdn}"
        self.same_as(self.fit(url, "--online"), self.small)

    # ---- lies

    def test_lies(self):
        for way, status, words in (("cut", 74, "cannot read"), ("other-range", 65, "not the range"), ("short-range", 65, "differ"),
                                   ("changing", 74, "changed while it was read"), ("compressed", 65, "compressed"),
                                   ("round", 65, "on and on"), ("rebound", 65, "no address of http"), ("long-headers", 69, "cannot read"),
                                   ("silent304", 65, "nobody has")):
            with self.subTest(way):
                self.refused(self.lie(way), status, words)
                self.assertEqual(self.copies(), [])

    def test_endures(self):
        for way in ("cut-once", "no-ranges", "endless", "busy"):
            with self.subTest(way):
                self.same_as(self.fit(self.lie(way), "--online"), self.whole)
        seen = self.liar.RequestHandlerClass.seen
        froms = [headers.get("Range") for way, headers in seen if way == "cut-once"]
        self.assertIn("bytes=131072-262143", froms)  # went on where the first answer broke off

    def test_slow(self):
        self.refused(self.lie("slow"), 69, "cannot read")  # within WAIT_S, or it is ended

    def test_no_library(self):
        wrong = self.file("lib/libcurl.so.4", b"no library").parent
        shutil.copy(wrong / "libcurl.so.4", wrong / "libcurl-gnutls.so.4")
        self.env["LD_LIBRARY_PATH"] = str(wrong)
        self.assertTrue(re.search("libcurl4", self.refused("hf:org/some", 69, "cannot ask over the network")))


unittest.main(argv=sys.argv[:1])
