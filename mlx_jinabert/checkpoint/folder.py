"""Find a model folder by name or path, check it, and read all but its weights.

A folder is an original Hugging Face checkpoint as it is, or a converted one; both have the same layout.
Pooling, prompts and the length limit come from the sentence-transformers files (``modules.json``,
``1_Pooling``, ``config_sentence_transformers.json``, ``sentence_bert_config.json``) where they are
present. Refused: pickled weights, modules and pooling modes that are not implemented, code of any kind.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from mlx_jinabert import catalog
from mlx_jinabert.catalog import CatalogEntry, Pooling
from mlx_jinabert.checkpoint import sentence_files
from mlx_jinabert.checkpoint.dense import Layer, read_dense, read_inner_dense, read_norm
from mlx_jinabert.checkpoint.pooling_mode import family_pooling, stated_pooling
from mlx_jinabert.checkpoint.sentence_files import EndToken, Modules, read_json
from mlx_jinabert.checkpoint.weights import Weights
from mlx_jinabert.errors import ModelFolderError, naming_folder
from mlx_jinabert.quick_dataclass import dataclass

__all__ = [
    "EMBEDDED",
    "ModelFolder",
    "Origin",
    "StoredQuantization",
    "has_adapters",
    "origin_of",
    "read_folder",
    "resolve",
]

EMBEDDED = Path(__file__).parents[1] / "embedded"
"""The shipped model."""

Origin = Literal["embedded", "alias", "hub", "folder"]
"""How the model was named."""

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_TABLES = ("embeddings", "embedding.weight", "embeddings.weight")
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.pkl", "*.ckpt")


@dataclass(frozen=True, slots=True)
class StoredQuantization:
    """How the weights are stored: ``bits`` wide integers with one scale per ``group_size`` inputs.

    ``group_size`` 0 means one scale per output channel.
    """

    bits: int
    group_size: int


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A local folder from which a model can be built, and all that is said there about using it."""

    path: Path
    """Folder with config.json, tokenizer.json and the weights."""
    model_id: str
    """A name that ``resolve`` takes again: "embedded", a Hub id or the folder's path."""
    revision: str | None
    origin: Origin
    config: Mapping[str, Any]
    weights: tuple[Path, ...]
    """Safetensors files, shards in order; empty for a folder that holds an ONNX graph alone."""
    onnx: Path | None
    """A finished graph beside (or instead of) the safetensors, in a converted folder."""
    tokenizer: Path
    stated_pooling: Pooling | None
    """What its files or the catalogue say; None where neither does."""
    normalize: bool
    """Whether the checkpoint's own pipeline normalises. Informative: ``encode`` does unless told not to."""
    prompts: Mapping[str, str]
    default_prompt_name: str | None
    max_length: int
    quantization: StoredQuantization | None
    entry: CatalogEntry | None
    """The catalogue's entry, for a model that was named by alias or Hub id, or a conversion of one."""
    rounds: bool = False
    """Whether the vectors are those of pplx-embed, which are small integers: ``vectors/rounding.py``."""
    dense: tuple[Layer, ...] = ()
    """Dense layers and layer norms behind the pooling, or behind each token where nothing is pooled."""

    @property
    def pooling(self) -> Pooling:
        """How token vectors become one; see ``tell_pooling`` for a model that states nothing."""
        return self.stated_pooling or family_pooling(self.config) or "mean"

    @property
    def end_token(self) -> EndToken | None:
        """The token that closes every text, if one has to be appended or held against tokenizer.json."""
        return sentence_files.read_end_token(self.path, self.config)


def resolve(name: str | os.PathLike[str], revision: str | None = None) -> ModelFolder:
    """Find a model by its name, download it if needed, read it.

    Raises ModelFolderError as ``origin_of`` does, and for a folder that can't be used.
    """
    text, origin = os.fspath(name), origin_of(name)
    if origin == "embedded":
        _no_revision(text, revision)
        return read_folder(EMBEDDED, model_id=text, origin=origin, entry=catalog.find(text))
    if origin == "folder":
        _no_revision(text, revision)
        path = _expanded(text).resolve()
        return read_folder(path, model_id=str(path), origin=origin)
    entry = catalog.find(text)
    return _from_hub(entry.hub_id if entry and origin == "alias" else text, revision, origin, entry)


def origin_of(name: str | os.PathLike[str]) -> Origin:
    """Return what a name means: the shipped model ("embedded"), an alias, a folder or a Hub id.

    An alias wins over a folder of the same name (write ``./name`` for the folder), an existing folder
    over a Hub id. Nothing is read or downloaded. Raises ModelFolderError for a name that means nothing.
    """
    text = os.fspath(name)
    if text == "embedded":
        return "embedded"
    is_path = isinstance(name, os.PathLike)
    if not is_path and "/" not in text and catalog.find(text) is not None:
        return "alias"
    path = _expanded(text)
    if text and os.path.isdir(path):  # noqa: PTH112 - where the name is too long, there is none
        return "folder"
    if not is_path and _HUB_ID.fullmatch(text):
        return "hub"
    if text and os.path.exists(path):  # noqa: PTH110 - likewise
        raise ModelFolderError(path, "is a file; give the folder that holds it")
    if is_path or text.startswith((".", "~", os.sep)) or os.sep in text:
        raise ModelFolderError(path, "no such folder")
    raise ModelFolderError(
        text,
        f"unknown model; {catalog.hint(text)}; a Hub id (owner/name) or a model folder will do, too",
    )


def _expanded(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError as error:  # the home of a user whom nobody knows
        raise ModelFolderError(text, f"no such folder: {error}") from error


def read_folder(
    path: Path,
    *,
    model_id: str,
    origin: Origin,
    revision: str | None = None,
    entry: CatalogEntry | None = None,
) -> ModelFolder:
    """Read and check what ``path`` holds, without opening the weights."""
    with naming_folder(path):
        return _read_folder(path, model_id, origin, revision, entry)


def _read_folder(
    path: Path, model_id: str, origin: Origin, revision: str | None, entry: CatalogEntry | None
) -> ModelFolder:
    modules = sentence_files.read_modules(path)
    base = path / modules.transformer
    config = read_json(base / "config.json")
    if config is None:
        raise ModelFolderError(path, f"no config.json in {base}; it says what the weights are")
    if not (base / "tokenizer.json").is_file():
        raise ModelFolderError(
            path,
            "no tokenizer.json, which is the only tokenizer source; write it with "
            'AutoTokenizer.from_pretrained(folder).save_pretrained(folder) from "transformers"',
        )
    stated = stated_pooling(path, modules, config)
    if stated is None and entry is None:
        from mlx_jinabert.checkpoint.original import original_of  # late: its patterns cost a search 1 ms

        entry = original_of(path, model_id, config)
    config = {**(entry.settings if entry else {}), **config}
    onnx = base / "model.onnx"
    onnx_path = onnx if onnx.is_file() and (base / "mlx_jinabert.json").is_file() else None
    prompts = sentence_files.read_prompts(path)
    weights = _weights(base, onnx_path)
    if config.get("model_type") == "model2vec":
        config = {**config, **_table_size(weights)}
    return ModelFolder(
        path=base,
        model_id=model_id,
        revision=revision,
        origin=origin,
        config=config,
        weights=weights,
        onnx=onnx_path,
        tokenizer=base / "tokenizer.json",
        stated_pooling=stated or _known_pooling(entry),
        normalize=modules.normalize,
        rounds=sentence_files.rounds_by_key(config) or modules.rounds,
        prompts=prompts.prompts,
        default_prompt_name=prompts.default,
        max_length=sentence_files.read_max_length(base, config),
        quantization=_quantization(base, config),
        entry=entry,
        dense=_dense(path, modules, config, weights),
    )


def _known_pooling(entry: CatalogEntry | None) -> Pooling | None:
    return entry.pooling if entry is not None and entry.pooling != "unstated" else None


def _dense(
    path: Path, modules: Modules, config: Mapping[str, Any], weights: tuple[Path, ...]
) -> tuple[Layer, ...]:
    """The dense layers: in folders, or among the weights, where mlx-embeddings puts those of Gemma-3."""
    folders = [path / name for name in modules.dense]
    if config.get("model_type") == "gemma3_text" and not any(folder.is_dir() for folder in folders):
        inner = read_inner_dense(weights, config.get("hidden_size"))
        if inner:
            return inner
    return tuple((read_norm if name in modules.norms else read_dense)(path / name) for name in modules.dense)


def _table_size(weights: tuple[Path, ...]) -> dict[str, int]:
    """The size of a table of static embeddings, which its configuration may leave out."""
    if not weights:  # a converted folder, whose configuration has it
        return {}
    with Weights(weights) as stored:
        shapes = [stored.shape(name) for name in stored.names() if name in _TABLES]
    if len(shapes) != 1 or len(shapes[0]) != 2:
        raise ModelFolderError(weights[0], f"expected one table of vectors called {' or '.join(_TABLES)}")
    return {"vocab_size": shapes[0][0], "hidden_size": shapes[0][1]}


def has_adapters(path: Path) -> bool:
    """Whether LoRA adapters lie beside the weights, which are then not the whole model."""
    config = "adapter_config.json"
    places = (path / config, path / "adapters" / config, *path.glob(f"adapters/*/{config}"))
    return any(place.is_file() for place in places)


def _from_hub(hub_id: str, revision: str | None, origin: Origin, entry: CatalogEntry | None) -> ModelFolder:
    from mlx_jinabert.checkpoint.hub import fetch

    revision = revision or (entry.revision if entry else None)
    pinned = entry is not None and revision == entry.revision
    path = fetch(hub_id, revision, weights_sha256=entry.weights_sha256 if entry and pinned else None)
    commit = path.name if _COMMIT.fullmatch(path.name) else revision
    return read_folder(path, model_id=hub_id, origin=origin, revision=commit, entry=entry)


def _weights(base: Path, onnx: Path | None) -> tuple[Path, ...]:
    index = base / "model.safetensors.index.json"
    if (base / "model.safetensors").is_file():
        return (base / "model.safetensors",)
    if index.is_file():
        return _shards(index)
    if onnx is not None:
        return ()
    pickles = sorted(found.name for pattern in _PICKLES for found in base.glob(pattern))
    if pickles:
        raise ModelFolderError(
            base,
            f"only pickled weights ({', '.join(pickles)}), which are never read as they can run code; "
            "save them as model.safetensors (model.save_pretrained(folder, safe_serialization=True))",
        )
    raise ModelFolderError(base, f"no model.safetensors and no {index.name}")


def _shards(index: Path) -> tuple[Path, ...]:
    weight_map = (read_json(index) or {}).get("weight_map")
    files = list(weight_map.values()) if isinstance(weight_map, dict) else []
    if not files or not all(isinstance(name, str) and Path(name).name == name for name in files):
        raise ModelFolderError(index, "has no weight_map of tensor names to plain file names; fetch it again")
    names = sorted(set(files))
    missing = [name for name in names if not (index.parent / name).is_file()]
    if missing:
        raise ModelFolderError(index.parent, f"shards are missing: {', '.join(missing)}; fetch them again")
    return tuple(index.parent / name for name in names)


def _quantization(base: Path, config: Mapping[str, Any]) -> StoredQuantization | None:
    record = read_json(base / "mlx_jinabert.json") or {}
    found = config.get("quantization") or record.get("quantization")
    if found is None:
        return None
    try:
        return StoredQuantization(bits=int(found["bits"]), group_size=int(found.get("group_size") or 0))
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise ModelFolderError(base, f"quantization is {found!r}, expected bits and group_size") from error


def _no_revision(name: str, revision: str | None) -> None:
    if revision is not None:
        raise ModelFolderError(name, f"revision {revision!r} was given, but only Hub models have revisions")
