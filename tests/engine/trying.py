"""A scratch folder, small models and `muster trial` in it, for the tests of captures and embeddings.

Usage of the tests: NAME.py MUSTER ENGINE SOURCE_ROOT
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import jsonschema

import small_model

MUSTER, ENGINE, ROOT = (pathlib.Path(p).resolve() for p in sys.argv[1:4])


class Trying(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.home = tempfile.mkdtemp()
        cls.model = {name: small_model.make(str(ENGINE), os.path.join(cls.home, name + ".gguf"), made)
                     for name, made in cls.models.items()}

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.home)

    def setUp(self):
        self.folder = tempfile.mkdtemp(dir=self.home)

    def muster(self, *words, engine=ENGINE, home=None):
        return subprocess.run([str(MUSTER), *words], cwd=self.folder, capture_output=True, text=True, timeout=100,
                              env={"HOME": home or self.home, "PATH": "/usr/bin:/bin", "MUSTER_ENGINE": str(engine)})

    def answer(self, *words, status=0):
        done = self.muster("trial", *words, "--json")
        self.assertEqual(done.returncode, status, done.stderr)
        document = json.loads(done.stdout)
        schema = ROOT / "docs" / "schema" / (document["schema"].replace("/", "-") + ".json")
        jsonschema.validate(document, json.loads(schema.read_text()))
        return document

    def refused(self, status, words, *command, engine=ENGINE):
        done = self.muster("trial", *command, engine=engine)
        self.assertEqual((done.returncode, done.stdout), (status, ""), done.stderr)
        self.assertIn(words, done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1)

    def script(self, text):
        path = os.path.join(self.folder, "engine")
        with open(path, "w") as file:
            file.write("#!/bin/sh\n" + text + "\n")
        os.chmod(path, 0o755)
        return path


def main():
    unittest.main(argv=sys.argv[:1], verbosity=1)
