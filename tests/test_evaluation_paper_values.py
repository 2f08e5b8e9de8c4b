"""The transcription of the paper's tables."""

from flexae_tf.evaluation import paper_values as paper


def test_tables_are_complete():
    for table in (paper.FID, paper.PRD, paper.MEMORIZATION):
        for row in table.values():
            assert [len(pair) for pair in row] == [2] * len(paper.DATASETS)


def test_values_under_the_keys_of_the_suite():
    values = paper.paper_values("cifar10", "flexae_sr")
    assert values["reconstruction/fid"] == 50.36
    assert values["generation/fid"] == 54.61
    assert (values["generation/prd_f1_8"], values["generation/prd_f8"]) == (0.79, 0.87)
    assert (values["pms/generated_train"], values["ims/generated_train"]) == (9.64, 14.40)
    assert paper.paper_values("celeb_a", "wae_gan")["generation/fid"] == 45.58


def test_generated_columns_are_one_methods_and_unknown_sets_are_empty():
    values = paper.paper_values("mnist", "vae")
    assert "pms/generated_train" not in values
    assert values["pms/train_test"] == 4.77
    assert paper.paper_values("digits", "flexae") == {}


def test_flexae_sr_generates_best_in_every_column():
    for column in range(len(paper.DATASETS)):
        generation = {method: row[column][1] for method, row in paper.FID.items()}
        assert min(generation, key=generation.get) == "flexae_sr"
