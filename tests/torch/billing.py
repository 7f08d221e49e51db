"""What muster says a workload on a configuration holds: the lines of `muster fit CONFIG --kind ... --json` by name, nothing worked out here."""
import json
import pathlib
import subprocess
import tempfile


class Muster:
    def __init__(self, program):
        self.program = str(pathlib.Path(program).resolve())

    def lines(self, model, *options):
        """What tensors take, by line; the program itself stands beside them. model: a configuration, or a name of the catalogue."""
        with tempfile.TemporaryDirectory() as home:
            (pathlib.Path(home) / 'config.json').write_text(json.dumps(model))
            named = model if isinstance(model, str) else home
            run = subprocess.run([self.program, 'fit', named, '--machine', 'cpu:2 ram:64GiB', '--json', *map(str, options)], cwd=home,
                                 env={'HOME': home, 'PATH': '/usr/bin:/bin'}, capture_output=True, text=True)
        if run.returncode:
            raise SystemExit(f'muster fit {" ".join(map(str, options))}: {run.stderr}')
        lines = {}
        for line in json.loads(run.stdout)['held']:
            if line['as'] == 'process':
                continue
            lines[line['name']] = lines.get(line['name'], 0) + line['bytes']
        return lines
