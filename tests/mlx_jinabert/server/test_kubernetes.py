"""The Kubernetes manifests: against the published schemas, and against the server that they start."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from mlx_jinabert.server.web.access import PUBLIC
from tests.support.paths import ROOT
from tests.support.running import require

FOLDER = ROOT / "deploy" / "kubernetes"
VERSIONS = ("1.30.0", "1.35.0")
Manifest = dict[str, Any]


def manifests(folder: str) -> list[Manifest]:
    """Every manifest of a folder and of those that it builds on."""
    require("yaml")
    import yaml

    here = FOLDER / folder
    kustomization = yaml.safe_load((here / "kustomization.yaml").read_text(encoding="utf-8"))
    found: list[Manifest] = []
    for name in kustomization["resources"]:
        path = (here / name).resolve()
        if path.is_dir():
            found += manifests(str(path.relative_to(FOLDER)))
        else:
            found += yaml.safe_load_all(path.read_text(encoding="utf-8"))
    return found


def of_kind(found: list[Manifest], *kinds: str) -> list[Manifest]:
    return [one for one in found if one["kind"] in kinds]


def templates() -> Iterator[tuple[Manifest, Manifest]]:
    for workload in of_kind(manifests("base"), "Deployment", "StatefulSet"):
        yield workload, workload["spec"]["template"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("folder", ["base", "hpa", "keda"])
def test_they_hold_to_the_schemas(folder: str, version: str) -> None:
    require("kubernetes_validate")
    import kubernetes_validate

    checked = [one for one in manifests(folder) if one["kind"] != "ScaledObject"]  # KEDA's own kind
    assert len(checked) >= 9
    for manifest in checked:
        kubernetes_validate.validate(manifest, version, strict=True)


def test_the_schemas_find_a_mistake() -> None:
    require("kubernetes_validate")
    import kubernetes_validate

    [deployment] = of_kind(manifests("base"), "Deployment")
    deployment["spec"]["replica"] = 2
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(deployment, VERSIONS[0], strict=True)


def test_each_manifest_is_used() -> None:
    used = sum(len(manifests(folder)) for folder in ("base", "hpa", "keda")) - 2 * len(manifests("base"))
    require("yaml")
    import yaml

    files = [path for path in FOLDER.rglob("*.yaml") if path.name != "kustomization.yaml"]
    assert used == sum(len(list(yaml.safe_load_all(path.read_text(encoding="utf-8")))) for path in files)


def test_selectors_select_the_pods() -> None:
    labels = [template["metadata"]["labels"] for _, template in templates()]
    for one in of_kind(
        manifests("base"), "Service", "PodDisruptionBudget", "NetworkPolicy", "Deployment", "StatefulSet"
    ):
        spec = one["spec"]
        wanted = spec.get("podSelector") or spec["selector"]
        wanted = wanted.get("matchLabels", wanted)
        assert sum(wanted.items() <= found.items() for found in labels) == 1, one["metadata"]["name"]


def test_ports_that_are_named_are_there() -> None:
    named = {port["name"] for _, pod in templates() for port in pod["spec"]["containers"][0]["ports"]}
    for service in of_kind(manifests("base"), "Service"):
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= named


def test_pods_may_do_little() -> None:
    for workload, template in templates():
        spec = template["spec"]
        [container] = spec["containers"]
        assert spec["securityContext"]["runAsNonRoot"], workload["metadata"]["name"]
        assert not spec["automountServiceAccountToken"]
        assert container["securityContext"]["readOnlyRootFilesystem"]
        assert not container["securityContext"]["allowPrivilegeEscalation"]
        assert container["securityContext"]["capabilities"]["drop"] == ["ALL"]
        assert "memory" in container["resources"]["limits"]


def test_the_server_is_asked_for_what_it_answers() -> None:
    [container] = [
        template["spec"]["containers"][0] for one, template in templates() if one["kind"] == "Deployment"
    ]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"]["path"] in PUBLIC
    [template] = [template for one, template in templates() if one["kind"] == "Deployment"]
    assert template["metadata"]["annotations"]["prometheus.io/path"] in PUBLIC


def test_the_server_takes_its_arguments() -> None:
    require("uvicorn", "pydantic")
    from mlx_jinabert.server.command import serve

    [container] = [pod["spec"]["containers"][0] for one, pod in templates() if one["kind"] == "Deployment"]
    known = {name for option in serve.params for name in option.opts}
    assert {arg for arg in container["args"] if arg.startswith("--")} <= known
    drain = int(container["args"][container["args"].index("--drain-seconds") + 1])
    [grace] = [
        pod["spec"]["terminationGracePeriodSeconds"]
        for one, pod in templates()
        if one["kind"] == "Deployment"
    ]
    assert grace > drain


@pytest.mark.parametrize("folder", ["hpa", "keda"])
def test_autoscaling_is_by_a_metric_that_the_server_exports(folder: str) -> None:
    require("prometheus_client")
    from mlx_jinabert.server.web.metrics import Metrics

    exported = {family.name for family in Metrics().registry.collect()}
    [scaler] = of_kind(manifests(folder), "HorizontalPodAutoscaler", "ScaledObject")
    assert scaler["spec"]["scaleTargetRef"]["name"] == "embeddings"
    if folder == "hpa":
        [metric] = scaler["spec"]["metrics"]
        assert metric["pods"]["metric"]["name"] in exported
    else:
        [trigger] = scaler["spec"]["triggers"]
        name = trigger["metadata"]["query"].removeprefix("sum(").partition("{")[0]
        assert name in exported
