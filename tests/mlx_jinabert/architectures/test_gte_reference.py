"""GTE's reference of the parity suite against transformers, which has no scaling of its rotation."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.support.checkpoints import Checkpoint
from tests.support.closeness import assert_close
from tests.support.running import checkpoint_folder, random_ids, require

pytestmark = pytest.mark.parity


@pytest.mark.parametrize("types", [2, 0])
def test_on_plain_rotation_both_are_the_same(types: int) -> None:
    require("torch", "transformers")
    import torch
    import transformers

    from tests.support.reference import gte

    if not hasattr(transformers, "GteModel"):
        pytest.skip("this release of transformers has no GTE")
    folder = checkpoint_folder(Checkpoint("gte", types=types, config=(("rope_scaling", None),)))
    config = json.loads((folder / "config.json").read_text())
    own = transformers.GteConfig.from_dict(config | {"model_type": "gte"})
    model = transformers.GteModel.from_pretrained(
        folder, config=own, dtype=torch.float64, attn_implementation="eager"
    )
    ids = torch.from_numpy(random_ids([65], 512)[0].astype(np.int64))
    with torch.no_grad():
        theirs = model.eval()(input_ids=ids[None]).last_hidden_state[0]
        ours = gte.open_model(folder, config)(ids)
    assert_close(ours.float().numpy(), theirs.float().numpy(), atol=1e-5, what="hidden states")
