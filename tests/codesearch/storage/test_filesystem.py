from __future__ import annotations

from pathlib import Path

import pytest

from codesearch.storage.folders.filesystem import network_file_system, replace_atomically

MOUNTS = """\
24 23 0:31 / /home/me/local\\040disk rw - xfs /dev/vdb rw
21 22 0:33 / /mnt/share rw - ext4 /dev/vdc rw
22 27 0:21 / / rw,relatime - ext4 /dev/vda rw
23 22 0:30 / /home rw,relatime shared:1 - nfs4 server:/home rw
25 22 0:32 / /mnt/share rw master:2 - cifs //server/share rw
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/var/cache", None),
        ("/home/me", "nfs4"),
        ("/home/me/local disk/x", None),
        ("/home/me/local", "nfs4"),
        ("/mnt/share", "cifs"),
        ("/mnt/shared", None),
    ],
)
def test_the_longest_mount_point_decides(tmp_path: Path, folder: str, kind: str | None) -> None:
    (tmp_path / "mounts").write_text(MOUNTS)
    assert network_file_system(Path(folder), tmp_path / "mounts") == kind


def test_without_a_mount_table_nothing_is_known(tmp_path: Path) -> None:
    assert network_file_system(tmp_path, tmp_path / "none") is None


def test_a_replacement_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "inside").touch()
    (tmp_path / "written").write_text("new")
    with pytest.raises(OSError, match="target"):
        replace_atomically(tmp_path / "written", tmp_path / "target")
    assert [path.name for path in tmp_path.iterdir()] == ["target"]
