from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from dots import dot_faces, dot_persons
from facekp import models
from facekp.data import imm_fold, join
from facekp.experiments import build, split_ibug, split_imm, train
from facekp.experiments.experiment import _TABLES, MODELS, split_imm_sets
from facekp.schemes import SCHEMES
from facekp.training import TrainingError


class TestSplitImm:
    @pytest.fixture
    def twice(self):
        """40 persons, two pictures each, not side by side."""
        persons = [f"{n:02d}" for n in range(1, 41)]
        return dot_faces(2 * persons, (5, 6), 2)

    @pytest.mark.parametrize("fold", [1, 2, 3, 4, 5])
    def test_persons_are_on_one_side(self, twice, fold):
        train, val = split_imm(twice, fold)
        assert set(val.groups) == set(imm_fold(fold))
        assert set(train.groups) == set(twice.groups) - set(val.groups)
        assert (len(train), len(val)) == (64, 16)

    def test_folds_left_out(self, twice):
        train, val = split_imm(twice, 4, without=[5, 1])
        assert set(train.groups) == set(imm_fold(2)) | set(imm_fold(3))
        assert set(val.groups) == set(imm_fold(4))

    def test_draws_are_whole_persons_and_nested(self, twice):
        for seed in range(4):
            draws = [split_imm(twice, 4, [5], n, seed)[0] for n in (3, 7, 12, 24)]
            persons = [set(draw.groups) for draw in draws]
            assert [len(who) for who in persons] == [3, 7, 12, 24]
            assert [len(draw) for draw in draws] == [6, 14, 24, 48]
            assert all(few < more for few, more in pairwise(persons))
            assert not persons[-1] & {*imm_fold(4), *imm_fold(5)}

    def test_the_seed_changes_the_draw_but_not_the_whole(self, twice):
        few = {split_imm(twice, 4, persons=7, seed=seed)[0].digest for seed in range(5)}
        assert len(few) == 5
        assert split_imm(twice, 4, seed=0)[0].digest == split_imm(twice, 4, seed=1)[0].digest

    def test_the_data_sets_order_is_kept(self, twice):
        train, _ = split_imm(twice, 4, persons=7)
        numbers = [int(name.split("-")[1]) for name in train.ids]
        assert numbers == sorted(numbers)

    def test_a_fold_that_is_not_there(self, twice):
        with pytest.raises(ValueError, match="folds 1 to 5, not 6"):
            split_imm(twice, 6)


class TestSplitImmSets:
    def test_from_one_set_to_another_and_within_one(self):
        demo, real = (dot_persons((5, 6), seed) for seed in (0, 1))
        both = join({"demo": demo, "real": real.take(np.arange(10, 40))})
        for source, persons in (("demo", 32), ("real", 22)):
            train, val = split_imm_sets(both, source, "real")
            assert set(train.attributes["dataset"]) == {source}
            assert len(train) == persons
            assert val.groups.tolist() == [f"real/{person}" for person in imm_fold(5)]
            assert not set(train.groups) & set(val.groups)


class TestSplitIbug:
    @pytest.fixture
    def photographs(self):
        """300 training faces of 150 photographs, and 20 test faces."""
        groups = [f"p{n // 2}" for n in range(300)] + [f"t{n}" for n in range(20)]
        faces = dot_faces(groups, (5, 6), 2)
        split = np.array(["train"] * 300 + ["test"] * 20)
        return replace(faces, attributes={"split": split})

    def test_the_label_files_own_split(self, photographs):
        train, val = split_ibug(photographs)
        assert (len(train), len(val)) == (300, 20)
        assert set(val.attributes["split"]) == {"test"}

    def test_validation_is_carved_from_training_by_photograph(self, photographs):
        train, val = split_ibug(photographs, held_out="validation")
        assert len(train) + len(val) == 300
        assert set(train.attributes["split"]) == set(val.attributes["split"]) == {"train"}
        assert not set(train.groups) & set(val.groups)
        # Binomial: 150 photographs at a sixth, 25 ± 4.6, two faces each.
        assert 20 < len(val) < 80
        shuffled = photographs.take(np.random.default_rng(0).permutation(320))
        assert set(split_ibug(shuffled, held_out="validation")[1].groups) == set(val.groups)

    def test_fewer_pictures_are_drawn_nested_and_in_order(self, photographs):
        few, more = (split_ibug(photographs, count=n, seed=3)[0].ids.tolist() for n in (40, 90))
        assert (len(few), len(more)) == (40, 90)
        assert set(few) < set(more)
        order = photographs.ids.tolist()
        assert few == sorted(few, key=order.index)
        assert few != split_ibug(photographs, count=40, seed=4)[0].ids.tolist()

    def test_noise_on_the_labels_of_training(self, photographs):
        half = replace(photographs, crop=photographs.crop * [1, 1, 0.5, 0.5])  # zoomed in by 2
        plain, val = split_ibug(half)
        noisy, same = split_ibug(half, label_noise=0.1)
        np.testing.assert_array_equal(same.keypoints, val.keypoints)
        np.testing.assert_array_equal(noisy.images, plain.images)
        moved = noisy.to_img(noisy.keypoints) - plain.to_img(plain.keypoints)
        share = moved / plain.interocular[:, None, None]
        assert share.std() == pytest.approx(0.1, rel=5 / np.sqrt(2 * share.size))
        assert abs(share.mean()) < 5 * 0.1 / np.sqrt(share.size)
        again, other = (split_ibug(half, label_noise=0.1, seed=s)[0] for s in (0, 1))
        np.testing.assert_array_equal(again.keypoints, noisy.keypoints)
        assert (other.keypoints != noisy.keypoints).all()

    def test_from_one_set_to_another(self, photographs):
        both = join({"demo": photographs.take(np.arange(7, 305)), "real": photographs})
        train, val = split_ibug(both, source="demo", target="real")
        assert set(train.attributes["dataset"]) == {"demo"} and len(train) == 293
        assert set(val.attributes["dataset"]) == {"real"} and len(val) == 20

    def test_there_is_nothing_else_to_hold_out(self, photographs):
        with pytest.raises(ValueError, match="not 'train'"):
            split_ibug(photographs, held_out="train")


class TestNames:
    @pytest.mark.parametrize("field", _TABLES)
    def test_an_unknown_one_is_refused_with_the_known_ones(self, experiment, field):
        known = ", ".join(_TABLES[field])
        with pytest.raises(
            ValidationError, match=f"{field}\n.*no such name: 'nose1'; known: {known}"
        ):
            experiment(**{field: {"name": "nose1"}})

    def test_a_missing_one_is_refused(self, experiment):
        with pytest.raises(ValidationError, match="no such name: None; known: adam, "):
            experiment(optimizer={"lr": 1e-3})

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"rate": 1e-3}, "rate\n.*Extra inputs"),
            ({"epochs": 0}, "epochs\n.*greater than 0"),
            ({"batch_size": 0}, "batch_size\n.*greater than 0"),
            ({"size": (60, 80, 1)}, "size\n"),
            ({"model": None}, "model\n"),
        ],
    )
    def test_other_fields_are_checked_too(self, experiment, change, message):
        with pytest.raises(ValidationError, match=message):
            experiment(**change)

    def test_building_passes_what_stands_beside_the_name(self):
        what = {"name": "nose", "depth": 5}
        net = build("model", what, (33, 47))
        assert sum(isinstance(layer, torch.nn.Conv2d) for layer in net.features) == 5
        assert what == {"name": "nose", "depth": 5}

    @pytest.mark.parametrize(
        ("model", "decoder"),
        [
            ({"name": "resnet18", "mirror": "ibug68"}, {"name": "unit"}),
            (
                {"name": "resnet18_bins", "mirror": "ibug68", "bins_per_pixel": 1},
                {"name": "bins", "bins_per_pixel": 1},
            ),
            (
                {"name": "unet", "scheme": "ibug68", "mirror": True, "width": 2, "depth": 2},
                {"name": "maps", "decoder": "softmax", "maps": "softmax"},
            ),
            (
                {"name": "space_to_depth_unet", "scheme": "ibug68", "mirror": True, "depth": 2},
                {"name": "maps", "decoder": "softmax", "maps": "softmax"},
            ),
        ],
        ids=["coordinates", "bins", "maps", "maps of blocks"],
    )
    def test_mirror_averaged_nets_find_in_a_mirror_image_what_lies_there(self, model, decoder):
        torch.manual_seed(0)
        size, order = (32, 48), list(SCHEMES["ibug68"].flip)
        net, decode = build("model", model, size).eval(), build("decoder", decoder, size)
        pictures = torch.rand(2, 1, *size) - 0.5
        with torch.no_grad():
            found, mirrored = (decode(net(p)) for p in (pictures, pictures.flip(-1)))
        found[..., 0] = 47 - found[..., 0]
        assert torch.allclose(mirrored[:, order], found, atol=1e-3)  # pixels


class TestKey:
    def test_the_same_for_the_same(self, experiment, faces):
        key = experiment().key(faces)
        assert key == experiment().key(dot_persons(faces.size))
        assert len(key) == 16
        other_order = experiment(optimizer={"lr": 4e-3, "name": "adam"})
        assert key == other_order.key(faces)

    @pytest.mark.parametrize(
        "change",
        [
            {"dataset": "imm2"},
            {"size": (9, 15)},
            {"keypoints": None},
            {"split": {"name": "imm", "fold": 5}},
            {"model": {"name": "nose", "width": 0.5}},
            {"optimizer": {"name": "adam", "lr": 1e-3}},
            {"optimizer": {"name": "adamw", "lr": 4e-3, "weight_decay": 0.0}},
            {"schedule": None},
            {"epochs": 4},
            {"batch_size": 9},
            {"seed": 1},
            {"precision": "bf16-mixed"},
            {"keep": ()},
        ],
    )
    def test_another_for_other_parameters(self, experiment, faces, change):
        assert experiment(**change).key(faces) != experiment().key(faces)

    @pytest.mark.parametrize("name", ["images", "keypoints", "visible", "ids", "groups"])
    def test_another_for_other_data(self, experiment, faces, name):
        values = getattr(faces, name).copy()
        values.flat[0] = "x" if values.dtype.kind == "U" else not values.flat[0]
        assert experiment().key(replace(faces, **{name: values})) != experiment().key(faces)

    def test_another_for_other_code(self, experiment, faces, monkeypatch):
        key = experiment().key(faces)
        monkeypatch.setitem(MODELS, "unused", models.KeypointNet)
        assert experiment().key(faces) == key
        monkeypatch.setitem(MODELS, "nose", models.layer_table)
        assert experiment().key(faces) != key

    def test_nothing_else_counts(self, experiment, faces):
        torch.rand(1)
        more = replace(faces, attributes={"view": np.ones(len(faces))})
        assert experiment().key(more) == experiment().key(faces)


class TestTrain:
    def test_what_comes_back(self, experiment, faces):
        fitted, model, (seen, val) = train(experiment(), faces)
        assert set(seen.groups) < {f"{n:02d}" for n in range(1, 25)}
        assert set(val.groups) == set(imm_fold(4))
        assert seen.keypoints.shape == (20, 1, 2)
        assert fitted.history["lr"] == pytest.approx([4e-3, 4e-3, 4e-4])
        assert sorted(fitted.kept) == [2, 3]
        assert fitted.kept[3].shape == (8, 1, 2)
        for name, value in model.state_dict().items():
            assert torch.equal(value, fitted.last[name])

    def test_the_seed_fixes_the_first_weights_too(self, experiment, faces):
        torch.manual_seed(1)
        one, _, _ = train(experiment(), faces)
        torch.manual_seed(2)
        same, _, _ = train(experiment(), faces)
        other, _, _ = train(experiment(seed=1), faces)
        for name in one.last:
            assert torch.equal(one.last[name], same.last[name])
            assert not torch.equal(one.last[name], other.last[name])

    def test_a_split_without_persons(self, experiment, faces):
        nobody = experiment(split={"name": "imm", "fold": 4, "persons": 0})
        with pytest.raises(TrainingError, match="training has 0 pictures and validation 8"):
            train(nobody, faces)
