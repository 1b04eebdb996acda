"""joblib's backends on clusters, by name: one whose package is not installed names the extra, and Ray's has not to be
registered first."""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec
from typing import Any

from joblib.parallel import BACKENDS, register_parallel_backend

from clearprop.errors import MissingExtra

PACKAGES = {"dask": "distributed", "ray": "ray"}
"""What each needs; the extra is called like the backend."""


def register() -> None:
    """Make joblib know these backends, unless somebody else has told it."""
    for name, package in PACKAGES.items():
        if find_spec(package) is None:
            register_parallel_backend(name, partial(_missing, name, package))
        elif name == "ray" and name not in BACKENDS:
            register_parallel_backend(name, _ray)


def _missing(name: str, package: str, **_: Any) -> None:
    raise MissingExtra(f'joblib\'s backend "{name}"', package, name)


def _ray(**options: Any) -> Any:
    from ray.util.joblib.ray_backend import RayBackend

    return RayBackend(**options)
