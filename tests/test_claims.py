"""Verdicts by intervals worked by hand, and what a claims file may not hold."""

import doctest
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from facekp import claims
from facekp.claims import Claim, ClaimsError, Rule, load_claims, main, table, verdict
from facekp.results import Dataset, Metric, Section, Store, write_json

ROOT = Path(__file__).resolve().parents[1]
REPRODUCED, NOT_REPRODUCED, INCONCLUSIVE = "reproduced", "not reproduced", "inconclusive"

NOSE_ROWS = ("nose-epochs", "nose-failures", "nose-cause", "nose-lr", "nose-depth", "nose-mean")


def measured(low, high, unit="%"):
    """A metric with that interval; without one where low is None."""
    value = 7.0 if low is None else (low + high) / 2
    return Metric(value=value, low=low, high=high, n=48, unit=unit, tolerance=0.1)


def decide(kind, *intervals, delta=5):
    names = tuple(f"m{i}" for i in range(len(intervals)))
    return verdict([measured(*i) for i in intervals], Rule(kind=kind, delta=delta, metrics=names))


def test_doctests():
    assert doctest.testmod(claims).failed == 0


class TestVerdict:
    # The margin is 5 throughout. An interval that ends at it is not wholly on one side.
    @pytest.mark.parametrize(
        ("interval", "expected"),
        [
            ((5.1, 9.0), REPRODUCED),
            ((5.0, 9.0), INCONCLUSIVE),
            ((4.9, 9.0), INCONCLUSIVE),
            ((4.0, 5.0), INCONCLUSIVE),
            ((4.0, 4.9), NOT_REPRODUCED),  # better for certain, but by less than the margin
            ((-9.0, -6.0), NOT_REPRODUCED),  # beyond the margin on the wrong side
            ((-9.0, 9.0), INCONCLUSIVE),
        ],
    )
    def test_superiority(self, interval, expected):
        assert decide("superiority", interval) == expected

    @pytest.mark.parametrize(
        ("interval", "expected"),
        [
            ((-4.9, 4.9), REPRODUCED),
            ((1.0, 4.9), REPRODUCED),  # zero lies outside, yet the difference is a small one
            ((-5.0, 4.9), INCONCLUSIVE),
            ((-4.9, 5.0), INCONCLUSIVE),
            ((4.0, 6.0), INCONCLUSIVE),
            ((-9.0, 9.0), INCONCLUSIVE),  # want of power is no agreement
            ((5.0, 9.0), INCONCLUSIVE),
            ((5.1, 9.0), NOT_REPRODUCED),
            ((-9.0, -5.0), INCONCLUSIVE),
            ((-9.0, -5.1), NOT_REPRODUCED),
        ],
    )
    def test_equivalence(self, interval, expected):
        assert decide("equivalence", interval) == expected

    @pytest.mark.parametrize("kind", ["no_better", "below"])
    @pytest.mark.parametrize(
        ("interval", "expected"),
        [
            ((-90.0, -80.0), REPRODUCED),  # much worse is no better
            ((-9.0, 4.9), REPRODUCED),
            ((-9.0, 5.0), INCONCLUSIVE),
            ((4.0, 6.0), INCONCLUSIVE),
            ((5.0, 6.0), INCONCLUSIVE),
            ((5.1, 6.0), NOT_REPRODUCED),
        ],
    )
    def test_one_sided(self, kind, interval, expected):
        assert decide(kind, interval) == expected

    # Per kind: an interval that agrees, one that differs, one that leaves it open.
    @pytest.mark.parametrize(
        ("kind", "agrees", "differs", "leaves_open"),
        [
            ("superiority", (6, 7), (1, 2), (4, 6)),
            ("equivalence", (-1, 1), (6, 7), (4, 6)),
            ("no_better", (-1, 1), (6, 7), (4, 6)),
            ("below", (-1, 1), (6, 7), (4, 6)),
        ],
    )
    def test_families(self, kind, agrees, differs, leaves_open):
        assert decide(kind, agrees, agrees) == REPRODUCED
        assert decide(kind, agrees, leaves_open) == INCONCLUSIVE
        assert decide(kind, agrees, differs) == NOT_REPRODUCED
        assert decide(kind, leaves_open, differs) == NOT_REPRODUCED
        assert decide(kind, differs, agrees, leaves_open) == NOT_REPRODUCED

    def test_the_margin_is_the_rules_own(self):
        assert decide("below", (0.3, 0.4), delta=0.5) == REPRODUCED
        assert decide("below", (0.3, 0.4), delta=0.35) == INCONCLUSIVE
        assert decide("below", (0.3, 0.4), delta=0.2) == NOT_REPRODUCED

    @pytest.mark.parametrize("kind", ["superiority", "equivalence", "no_better", "below"])
    def test_no_interval(self, kind):
        with pytest.raises(ClaimsError, match="m1 has no interval"):
            decide(kind, (6, 7), (None, None))


ENTRY = {
    "id": "toy-better",
    "section": "toy",
    "claim": "The new one is better.",
    "quantity": "Error of the old less that of the new",
    "rule": {"kind": "superiority", "delta": 5, "metrics": ["old_less_new.cv.relative"]},
}


def entry(**changes):
    """The claim above with some keys changed; None takes a key out."""
    return {key: value for key, value in (ENTRY | changes).items() if value is not None}


@pytest.fixture
def root(tmp_path):
    (tmp_path / "book").mkdir()
    return tmp_path


@pytest.fixture
def write(root):
    """Return a function that writes book/claims.yaml and returns its path."""

    def put(*entries):
        path = root / "book" / "claims.yaml"
        path.write_text(yaml.safe_dump(list(entries), sort_keys=False))
        return path

    return put


@pytest.fixture
def commit(root):
    """Return a function that commits a results file with metrics of the given intervals."""

    def put(section="toy", unit="%", **intervals):
        content = Section(
            section=section,
            profile="cpu",
            dataset=Dataset(name="toy", digest="ab", n={"val": 48}, split="none"),
            parameters={},
            seeds=[0],
            metrics={
                name.replace("__", "."): measured(*interval, unit)
                for name, interval in intervals.items()
            },
            curves={},
            groups={},
            runs=[],
            provenance={},
        )
        path = Store(root, "cpu").committed / f"{section}.json"
        write_json(path, content.model_dump(by_alias=True))

    return put


class TestLoading:
    def test_what_a_claim_becomes(self, write):
        (claim,) = load_claims(write(ENTRY))
        rule = Rule(kind="superiority", delta=5, metrics=("old_less_new.cv.relative",))
        assert claim == Claim(**ENTRY | {"rule": rule})
        assert claim.reason is None

    @pytest.mark.parametrize(
        ("changes", "key", "problem"),
        [
            ({"claim": None}, "claim", "Field required"),
            ({"colour": "red"}, "colour", "Extra inputs"),
            ({"claim": ["a", "b"]}, "claim", "valid string"),
            ({"rule": ENTRY["rule"] | {"kind": "better"}}, "rule.kind", "'superiority'"),
            ({"rule": ENTRY["rule"] | {"delta": -1}}, "rule.delta", "greater than 0"),
            ({"rule": ENTRY["rule"] | {"delta": 0}}, "rule.delta", "greater than 0"),
            ({"rule": ENTRY["rule"] | {"metrics": []}}, "rule.metrics", "at least 1"),
            ({"rule": ENTRY["rule"] | {"margin": 5}}, "rule.margin", "Extra inputs"),
            ({"rule": None}, "entry", "a rule, or a reason"),
            ({"reason": "there is none"}, "entry", "a rule, or a reason"),
        ],
    )
    def test_what_does_not_fit_is_named(self, changes, key, problem, write):
        path = write(entry(id="toy-first"), entry(**changes))
        with pytest.raises(ClaimsError) as caught:
            load_claims(path)
        message = str(caught.value)
        assert message.startswith(f"{path}, line 10: claim toy-better: {key}: ")
        assert problem in message

    def test_a_claim_without_id_is_named_by_its_number(self, write):
        with pytest.raises(ClaimsError, match="line 10: claim 2: id: Field required"):
            load_claims(write(entry(), entry(id=None)))

    def test_one_id_twice(self, write):
        path = write(entry(), entry(id="toy-other"), entry(claim="Another one."))
        with pytest.raises(ClaimsError, match=r"claims\.yaml: claim toy-better stands there twice"):
            load_claims(path)

    @pytest.mark.parametrize("text", ["", "a: 1\n", "- 3\n", "just words\n"])
    def test_no_list_of_claims(self, text, write):
        path = write()
        path.write_text(text)
        with pytest.raises(ClaimsError, match=r"claims\.yaml, line 1: .*: Input should be a valid"):
            load_claims(path)

    def test_no_yaml(self, write):
        path = write()
        path.write_text("- id: a\n  claim: [b\n")
        with pytest.raises(ClaimsError, match=r"claims\.yaml, line 3: expected"):
            load_claims(path)

    def test_no_file(self, root):
        with pytest.raises(ClaimsError, match=r"claims\.yaml cannot be read \(No such file"):
            load_claims(root / "book" / "claims.yaml")


class TestTable:
    def test_a_judged_claim(self, root, write, commit):
        write(ENTRY)
        commit(old_less_new__cv__relative=(-6.0, 12.5))
        (row,) = table(root).to_dict("records")
        assert row == {
            "id": "toy-better",
            "section": "toy",
            "claim": "The new one is better.",
            "evidence": "Error of the old less that of the new: "
            "old less new: 3 % (\N{MINUS SIGN}6 to 12)",
            "rule": "above 5 %; N = 48, one seed",
            "verdict": INCONCLUSIVE,
        }

    @pytest.mark.parametrize(
        ("kind", "asked"),
        [
            ("superiority", "above 0.5 points"),
            ("equivalence", "within ±0.5 points"),
            ("no_better", "below 0.5 points"),
            ("below", "below 0.5 points"),
        ],
    )
    def test_what_a_rule_asks(self, root, write, commit, kind, asked):
        write(entry(rule={"kind": kind, "delta": 0.5, "metrics": ["a.cv.nme"]}))
        commit(unit="points", a__cv__nme=(0.25, 0.75))
        (row,) = table(root).to_dict("records")
        assert row["rule"] == f"{asked}; N = 48, one seed"

    def test_each_metric_of_a_family_is_evidence(self, root, write, commit):
        rule = {"kind": "below", "delta": 0.5, "metrics": ["a.cv.ratio", "b.cv.ratio"]}
        write(entry(rule=rule))
        commit(unit="", a__cv__ratio=(0.25, 0.75), b__cv__ratio=(0.75, 1.25))
        (row,) = table(root).to_dict("records")
        assert row["verdict"] == NOT_REPRODUCED
        assert row["evidence"].endswith(": a: 0.50 (0.25 to 0.75); b: 1.00 (0.75 to 1.25)")

    def test_no_rule_is_not_comparable_for_its_reason(self, root, write, commit):
        write(entry(rule=None, reason="The original shows no number."))
        commit()
        (row,) = table(root).to_dict("records")
        assert (row["verdict"], row["evidence"]) == (
            "not comparable",
            "The original shows no number.",
        )

    def test_no_results_yet_is_an_error(self, root, write, commit):
        write(ENTRY)
        commit("other")
        with pytest.raises(ClaimsError) as caught:
            table(root)
        message = str(caught.value)
        assert "claim toy-better: there is no results/cpu/toy.json; make run and make" in message

    def test_a_metrics_split_is_not_told(self, root, write, commit):
        rule = {"kind": "superiority", "delta": 1, "metrics": ["old_gain.test.nme"]}
        write(entry(rule=rule))
        commit(unit="points", old_gain__test__nme=(2, 3))
        (row,) = table(root).to_dict("records")
        assert row["evidence"].endswith(": old gain: 2.50 points (2.00 to 3.00)")

    def test_a_missing_metric_is_an_error(self, root, write, commit):
        write(ENTRY)
        commit(old_less_newer__cv__relative=(6, 7))
        with pytest.raises(ClaimsError) as caught:
            table(root)
        message = str(caught.value)
        assert "claim toy-better: results/cpu/toy.json has no old_less_new.cv.relative" in message
        assert "make run and make accept its notebook, or mend the rule" in message

    def test_a_missing_interval_is_an_error(self, root, write, commit):
        write(ENTRY)
        commit(old_less_new__cv__relative=(None, None))
        with pytest.raises(ClaimsError) as caught:
            table(root)
        message = str(caught.value)
        assert "claim toy-better: results/cpu/toy.json: old_less_new.cv.relative has no" in message

    def test_only_the_reference_profile_decides(self, root, write, commit):
        write(ENTRY)
        commit(old_less_new__cv__relative=(6, 7))
        (root / "results" / "cpu").rename(root / "results" / "gpu")
        with pytest.raises(ClaimsError, match=r"there is no results/cpu/toy\.json"):
            table(root)

    @pytest.mark.parametrize("split", ["cv", "val", "test", "all", "primary"])
    def test_the_evidence_leaves_the_split_out(self, root, write, commit, split):
        metric = f"old_less_new.{split}.nme"
        write(entry(rule=ENTRY["rule"] | {"metrics": [metric]}))
        commit(**{metric.replace(".", "__"): (6, 7)})
        (row,) = table(root).to_dict("records")
        assert row["evidence"].endswith(": old less new: 6.50 % (6.00 to 7.00)")


class TestCommandLine:
    def test_a_line_a_claim_then_a_count(self, root, write, commit, capsys):
        reason = "The original shows no number."
        write(ENTRY, entry(id="toy-same"), entry(id="toy-open", rule=None, reason=reason))
        commit(old_less_new__cv__relative=(6, 7))
        assert main(["--root", str(root)]) == 0
        *lines, count = capsys.readouterr().out.splitlines()
        assert [line.split("  ")[0] for line in lines] == ["toy-better", "toy-same", "toy-open"]
        evidence = "Error of the old less that of the new: old less new: 6.50 % (6.00 to 7.00)"
        assert lines[0].split(maxsplit=2) == ["toy-better", REPRODUCED, evidence]
        assert lines[2].endswith(f"not comparable  {reason}")
        assert count == "2 reproduced, 1 not comparable"

    def test_the_repository_is_found_from_its_folders(self, root, write, monkeypatch, capsys):
        write(entry(rule=None, reason="The original shows no number."))
        (root / "data_manifest.yaml").touch()
        (root / "notebooks").mkdir()
        monkeypatch.chdir(root / "notebooks")
        assert main([]) == 0
        assert capsys.readouterr().out.endswith("1 not comparable\n")

    @pytest.mark.parametrize("broken", ["claims", "results"])
    def test_an_error_is_one_line(self, broken, root, write, commit, capsys):
        commit()
        write(ENTRY)
        if broken == "results":
            (root / "results" / "cpu" / "toy.json").write_text("{")
        assert main(["--root", str(root)]) == 1
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err.startswith("error: ") and printed.err.count("\n") == 1


class TestTheBooksClaims:
    def test_rows_and_sections(self):
        found = load_claims(ROOT / "book" / "claims.yaml")
        assert {claim.id for claim in found} >= set(NOSE_ROWS)
        for claim in found:
            assert list(ROOT.glob(f"notebooks/[0-9][0-9]_{claim.section}.ipynb")), claim.id

    def test_no_number_but_the_margins_is_typed(self):
        def numbers(content, place=""):
            if isinstance(content, dict):
                return [n for k, v in content.items() for n in numbers(v, f"{place}.{k}")]
            if isinstance(content, list):
                return [n for v in content for n in numbers(v, place)]
            return [place] if isinstance(content, int | float) else []

        content = yaml.safe_load((ROOT / "book" / "claims.yaml").read_text())
        assert set(numbers(content)) == {".rule.delta"}

    def test_the_module_prints_them(self):
        command = [sys.executable, "-m", "facekp.claims"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        *lines, count = done.stdout.splitlines()
        named = [line.split()[0] for line in lines]
        assert named == [claim.id for claim in load_claims(ROOT / "book" / "claims.yaml")]
        assert sum(int(part.split()[0]) for part in count.split(", ")) == len(lines)
