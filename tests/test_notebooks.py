import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

from facekp.notebooks import NotebookError, run
from facekp.notebooks.__main__ import main
from toy_repository import Repository

DEFAULTS = """\
profile = "demo"  # which profile
epochs = 10
rate = 1e-3
lengths = [10, 15]
widths = []
augment = True
note = None
retrain = False
dataset = "toy"
"""


def write_notebook(path: Path, *sources: str, tag: str = "parameters") -> None:
    """A heading, the parameters, then one code cell a source."""
    cells = [nbformat.v4.new_markdown_cell("# Title"), nbformat.v4.new_code_cell("import json")]
    cells.append(nbformat.v4.new_code_cell(sources[0], metadata={"tags": [tag]}))
    cells += [nbformat.v4.new_code_cell(source) for source in sources[1:]]
    path.parent.mkdir(exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with notebook 01_toy, profiles demo and cpu, and its data set in place."""
    monkeypatch.delenv("FACEKP_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    Repository(tmp_path).write(embedded="toy_faces")
    (tmp_path / "toy_faces").mkdir()
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "demo.yaml").write_text("01_toy: {}\n")
    (tmp_path / "profiles" / "cpu.yaml").write_text("01_toy: {epochs: 20, rate: 1}\n02_no: {}\n")
    write_notebook(tmp_path / "notebooks" / "01_toy.ipynb", DEFAULTS)
    return tmp_path


def executed(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


class TestRefusals:
    def refused(self, root: Path, *arguments: str, capsys) -> str:
        assert main(["run", *arguments]) == 1
        message = capsys.readouterr().err
        assert message.startswith("error: ") and message.count("\n") == 1, message
        assert not (root / "_build").exists()
        return message

    def test_unknown_notebook(self, root, capsys):
        assert "did you mean '01_toy'" in self.refused(root, "01_toi", capsys=capsys)
        write_notebook(root / "notebooks" / "02_no.ipynb", DEFAULTS)
        assert "take one of 01_toy, 02_no" in self.refused(root, "xyz", capsys=capsys)

    def test_unknown_profile_and_section(self, root, capsys):
        message = self.refused(root, "01_toy", "--profile", "cpus", capsys=capsys)
        assert "no profile 'cpus'" in message and "did you mean 'cpu'?" in message
        write_notebook(root / "notebooks" / "02_no.ipynb", DEFAULTS)
        message = self.refused(root, "02_no", "--profile", "demo", capsys=capsys)
        assert "demo.yaml has no section 02_no" in message

    def test_unknown_parameter(self, root, capsys):
        message = self.refused(root, "01_toy", "-p", "epoch", "3", capsys=capsys)
        assert "01_toy.ipynb, parameters cell: unknown parameter 'epoch'" in message
        assert "did you mean 'epochs'?" in message
        (root / "profiles" / "demo.yaml").write_text("01_toy: {ratee: 1}\n")
        assert "did you mean 'rate'?" in self.refused(root, "01_toy", capsys=capsys)

    @pytest.mark.parametrize(
        ("key", "value", "kind"),
        [
            ("epochs", "ten", "int"),
            ("epochs", "2.5", "int"),
            ("epochs", "true", "int"),
            ("epochs", "null", "int"),
            ("rate", "fast", "float"),
            ("rate", "true", "float"),
            ("augment", "1", "bool"),
            ("lengths", "3", "list of int"),
            ("lengths", "[3, four]", "list of int"),
            ("dataset", "12", "str"),
        ],
    )
    def test_value_of_another_type(self, key, value, kind, root, capsys):
        message = self.refused(root, "01_toy", "-p", key, value, capsys=capsys)
        assert f"parameter '{key}' is " in message and f"type {kind}," in message

    def test_a_second_data_set_that_is_missing(self, root, capsys):
        defaults = DEFAULTS + 'target = "toy"\n'
        write_notebook(root / "notebooks" / "01_toy.ipynb", defaults)
        message = self.refused(root, "01_toy", "-p", "target", "tay", capsys=capsys)
        assert "01_toy.ipynb, parameters cell, target = 'tay'" in message
        assert "did you mean 'toy'?" in message

    def test_value_that_is_no_yaml(self, root, capsys):
        assert main(["run", "01_toy", "-p", "lengths", "[1, 2"]) == 1
        assert capsys.readouterr().err.startswith("error: ")

    def test_no_tag_or_two(self, root, capsys):
        path = root / "notebooks" / "01_toy.ipynb"
        write_notebook(path, DEFAULTS, tag="parameter")
        message = self.refused(root, "01_toy", capsys=capsys)
        assert "01_toy.ipynb has no cells tagged 'parameters'" in message
        notebook = executed(path)
        notebook.cells[1].metadata["tags"] = notebook.cells[2].metadata["tags"] = ["parameters"]
        nbformat.write(notebook, path)
        assert "has 2 cells" in self.refused(root, "01_toy", capsys=capsys)

    @pytest.mark.parametrize(
        ("line", "words"),
        [
            ("epochs = 5 * 2", "the value is no literal"),
            ("print(3)", "not an assignment"),
            ("a = b = 3", "not an assignment"),
            ("epochs += 1", "not an assignment"),
            ("pair = (1, 2)", "a tuple cannot be a parameter"),
            ("epochs = ", "invalid syntax"),
        ],
    )
    def test_more_than_literals(self, line, words, root, capsys):
        write_notebook(root / "notebooks" / "01_toy.ipynb", f'profile = "demo"\n\n{line}\n')
        message = self.refused(root, "01_toy", capsys=capsys)
        assert "01_toy.ipynb, cell 2 (parameters), line 3: " in message
        assert words in message and "such as epochs = 10" in message

    def test_no_notebook(self, root, capsys):
        (root / "notebooks" / "01_toy.ipynb").write_text("<html>")
        message = self.refused(root, "01_toy", capsys=capsys)
        assert "01_toy.ipynb is no notebook" in message

    def test_missing_data_set(self, root, capsys):
        (root / "toy_faces").rmdir()
        message = self.refused(root, "01_toy", capsys=capsys)
        assert "01_toy.ipynb, parameters cell, dataset = 'toy': toy is missing at" in message
        message = self.refused(root, "01_toy", "-p", "dataset", "tony", capsys=capsys)
        assert "did you mean 'toy'?" in message


CODE = """\
import os, sys
json.dumps([profile, epochs, rate, lengths, retrain, sys.executable, os.getcwd()])
"""


def output_of(path: Path) -> list:
    return json.loads(executed(path).cells[-1].outputs[0].data["text/plain"].strip("'"))


def test_a_run_has_the_profiles_and_the_given_parameters(root, monkeypatch, capfd):
    foreign = root / "jupyter" / "kernels" / "python3"  # found first by jupyter, must not be used
    foreign.mkdir(parents=True)
    spec = {"argv": ["/bin/false"], "display_name": "Python 3", "language": "python"}
    (foreign / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(root / "jupyter"))
    write_notebook(root / "notebooks" / "01_toy.ipynb", DEFAULTS, CODE)
    arguments = ["-p", "lengths", "[3, 4]", "-p", "rate", "1e-3", "--retrain"]
    assert main(["run", "notebooks/01_toy.ipynb", "--profile", "cpu", *arguments]) == 0
    path = root / "_build" / "executed" / "cpu-changed" / "01_toy.ipynb"
    printed = capfd.readouterr()  # what the kernel's process prints, too
    assert str(path) in printed.out and printed.err == ""
    expected = ["cpu-changed", 20, 0.001, [3, 4], True, sys.executable, str(root / "notebooks")]
    assert output_of(path) == expected
    assert [item.name for item in path.parent.iterdir()] == ["01_toy.ipynb"]
    assert str(root) not in json.dumps(executed(path).metadata)  # readers download it


def test_retraining_alone_is_a_run_of_the_profile(root):
    write_notebook(root / "notebooks" / "01_toy.ipynb", DEFAULTS, CODE)
    path = run("01_toy", "cpu", {"retrain": True}, root=root)
    assert path == root / "_build" / "executed" / "cpu" / "01_toy.ipynb"
    assert output_of(path)[0] == "cpu"


def test_a_failing_cell_is_named_and_its_notebook_kept_apart(root, capsys):
    path = root / "notebooks" / "01_toy.ipynb"
    write_notebook(path, DEFAULTS, "a = 1", "\nx = a / 0\ny = 2", "z = 3")
    output = root / "out" / "{toy}.ipynb"  # papermill would take the braces for a parameter
    assert main(["run", "01_toy", "--output", str(output)]) == 1
    message = capsys.readouterr().err.splitlines()[-1]
    assert "01_toy.ipynb, code cell 4 (x = a / 0): ZeroDivisionError: division by zero" in message
    assert "make lab" in message
    failed = root / "out" / "{toy}.failed.ipynb"
    assert [item.name for item in output.parent.iterdir()] == [failed.name]
    assert str(failed) in message
    assert any("ZeroDivisionError" in str(cell.get("outputs")) for cell in executed(failed).cells)
    write_notebook(path, DEFAULTS, "a = 1")
    assert run("01_toy", "demo", output=output) == output
    assert [item.name for item in output.parent.iterdir()] == [output.name]


def test_a_dying_kernel_is_named(root):
    source = "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"
    write_notebook(root / "notebooks" / "01_toy.ipynb", DEFAULTS, "a = 1", source, "b = 2")
    with pytest.raises(NotebookError, match=r"code cell 4 \(import os, signal\): the kernel died"):
        run("01_toy", "demo")
    assert not (root / "_build" / "executed" / "demo" / "01_toy.ipynb").exists()


def test_a_killed_run_leaves_nothing_that_passes_for_whole(root):
    started = root / "started"
    write_notebook(
        root / "notebooks" / "01_toy.ipynb",
        DEFAULTS,
        f"import time, pathlib\npathlib.Path({str(started)!r}).touch()\ntime.sleep(60)",
    )
    command = [sys.executable, "-m", "facekp.notebooks", "run", "01_toy"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)
    deadline = time.monotonic() + 60
    while not started.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert started.exists()
    assert not (root / "_build" / "executed" / "demo" / "01_toy.ipynb").exists()
