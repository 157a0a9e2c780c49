"""Mine questions from a repository, with the settings of the user's own index."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from codesearch.benchmark.comments import from_comments
from codesearch.benchmark.commits import from_commits
from codesearch.benchmark.questions import Question
from codesearch.chunking.workers.parse_pool import ChunkPool
from codesearch.errors import IndexFormatError, IndexNotFound, TooManyFiles
from codesearch.files.content.source import SourceText, read_source
from codesearch.files.repositories.roots import is_wide
from codesearch.files.walk import walk
from codesearch.quick_dataclass import dataclass
from codesearch.records import Progress, SourceFile
from codesearch.storage import metadata as recorded
from codesearch.storage.folders.locations import Location
from codesearch.storage.metadata import ModelRecord, Settings
from codesearch.storage.store import Store
from codesearch.updating.text_stage import MAX_FILES

__all__ = ["Own", "files_of", "mined", "own_of", "sources_of"]


@dataclass(frozen=True, slots=True)
class Own:
    """The settings and the model of the user's index."""

    settings: Settings
    model: str | None


def own_of(location: Location) -> Own:
    """Defaults where there is no index, or none that can be read."""
    try:
        with Store.open(location.directory, root=location.root, read_only=True) as store:
            settings = recorded.read(store, Settings) or Settings()
            model = recorded.read(store, ModelRecord)
    except (IndexNotFound, IndexFormatError):
        return Own(Settings(), None)
    return Own(settings, model.name if model and model.named else None)


def files_of(location: Location, settings: Settings, progress: Progress) -> list[SourceFile]:
    """Walk the files of the index. TooManyFiles for a home folder."""
    if is_wide(location.root):
        raise TooManyFiles(f"{location.root} is a home folder or holds one; name the project below it")
    progress("walk", 0, 0)
    walked = walk(location.root, settings.walk_options(None if settings.allow_large else MAX_FILES)).files
    under = location.under
    return [file for file in walked if not under or file.path == under or file.path.startswith(under + "/")]


def sources_of(location: Location, files: Iterable[SourceFile], settings: Settings) -> Iterator[SourceText]:
    """Read the files that hold text."""
    for file in files:
        source = read_source(location.root, file, settings.max_file_bytes)
        if isinstance(source, SourceText):
            yield source


def mined(
    location: Location, files: Sequence[SourceFile], settings: Settings, progress: Progress
) -> tuple[list[Question], list[Question]]:
    """Questions from comments, and from commits."""

    def sources() -> Iterator[tuple[SourceFile, bytes]]:
        for done, source in enumerate(sources_of(location, files, settings), 1):
            progress("mine", done, len(files))
            yield source.file, source.data

    with ChunkPool() as pool:
        comments = from_comments(pool.documented_many(sources()))
    return comments, from_commits(location.root, {file.path for file in files})
