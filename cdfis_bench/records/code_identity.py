"""The code that a run computes with, where it is not this package's: part of the arm's id.

The package itself is stood for by the results version, and PyTorch and the other libraries that
the package is written with by nothing: their versions are in run.json, but do not change ids.
Everything else that a `_target_` names counts: own modules by their source, together with the own
modules that they import; modules of an installed distribution by its version.

A source counts byte by byte but for its line ends. An edited comment computes runs again, which
costs time; a rule for what may be left out would one day keep wrong numbers. Imports are read from
the source, nothing is executed. An import whose name is put together at run time is not seen.
"""

import ast
import hashlib
import importlib
import importlib.metadata
import importlib.util
import site
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Any

from cdfis_bench.core.errors import UserError

# The package and what it is written with. Adding one changes the ids of arms that import it.
_NOT_COUNTED = frozenset(
    {"cdfis_bench", "hydra_plugins", "torch", "numpy", "hydra", "omegaconf"}
    | sys.stdlib_module_names
)
# Hydra's helpers whose argument `path` names what is used.
_BY_PATH = ("hydra.utils.get_class", "hydra.utils.get_method", "hydra.utils.get_object")
_DIGITS = 16

# By module name: (hash, imported names). Kept while the module is loaded: a process goes on with
# what it has loaded, whatever becomes of the file.
_loaded: dict[str, tuple[str, list[str]]] = {}


def code_of(config: Mapping[str, Any]) -> dict[str, str]:
    """The code that the parts of a run are made of.

    Args:
        config: The resolved configuration, without the keys that do not affect a run.

    Returns:
        By module name "sha256:..." of its source, or by library "version ..."; sorted. Empty if
        every `_target_` is in this package or in the libraries that it is written with. A module
        that does not exist is left out: building the part says so.

    Raises:
        UserError: If a module has no file, or its file cannot be read.
    """
    importlib.invalidate_caches()
    found: dict[str, str] = {}
    pending = list(dict.fromkeys(_targets(config)))
    seen: set[str] = set()
    while pending:
        name = pending.pop()
        for module, spec in _modules(name):
            if module in seen:
                continue
            seen.add(module)
            if spec.origin is None:  # a namespace package: a folder without code of its own
                continue
            if _is_installed(spec.origin):
                library, version = _distribution(module)
                found[library] = f"version {version}"
                break
            digest, imported = _source(module, spec)
            found[module] = f"sha256:{digest}"
            pending += imported
    return dict(sorted(found.items()))


def _targets(node: Any) -> Iterator[str]:
    """Every dotted name that a configuration asks Hydra to call."""
    if isinstance(node, Mapping):
        target = node.get("_target_")
        if isinstance(target, str):
            yield target
            if target in _BY_PATH and isinstance(node.get("path"), str):
                yield node["path"]
        for inner in node.values():
            yield from _targets(inner)
    elif isinstance(node, list | tuple):
        for inner in node:
            yield from _targets(inner)


def _modules(dotted: str) -> Iterator[tuple[str, ModuleSpec]]:
    """The modules that importing a dotted name runs: its packages, then the module itself."""
    top, *rest = dotted.split(".")
    if not top or top in _NOT_COUNTED:
        return
    if top == "__main__":  # a notebook, or whichever command was given
        raise _no_file(dotted)
    try:
        spec = importlib.util.find_spec(top)
    except ValueError:  # in sys.modules without a spec: made by hand, or typed in
        raise _no_file(dotted) from None
    name = top
    while spec is not None:
        if spec.origin in ("built-in", "frozen"):
            return
        if spec.origin is None and spec.submodule_search_locations is None:
            raise _no_file(dotted)
        yield name, spec
        if not rest or spec.submodule_search_locations is None:
            return
        name = f"{name}.{rest.pop(0)}"
        # Not importlib.util.find_spec, which would import the parent package.
        spec = PathFinder.find_spec(name, list(spec.submodule_search_locations))


def _no_file(dotted: str) -> UserError:
    return UserError(
        f"_target_={dotted} is in no file, so that a stored run could not tell whether its code "
        "has changed; move it to a .py file that can be imported"
    )


def _source(module: str, spec: ModuleSpec) -> tuple[str, list[str]]:
    """The hash of a module's file, and what it imports."""
    if module in _loaded and module in sys.modules:
        return _loaded[module]
    assert spec.origin is not None
    try:
        data = Path(spec.origin).read_bytes()
    except OSError as error:
        raise UserError(
            f"the source {spec.origin} of {module} cannot be read ({error.strerror or error}), but "
            "it decides whether stored runs are still those of this code; change its permissions"
        ) from error
    is_source = spec.origin.endswith(".py")
    if is_source:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    package = module if spec.submodule_search_locations is not None else module.rpartition(".")[0]
    imported = list(_imports(data, package)) if is_source else []
    _loaded[module] = hashlib.sha256(data).hexdigest()[:_DIGITS], imported
    return _loaded[module]


def _imports(source: bytes, package: str) -> Iterator[str]:
    """The names that a source imports anywhere. A source with a syntax error imports nothing."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):  # building the part says what is wrong
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")
                above = parents[: len(parents) - node.level + 1]
                base = ".".join([*above, base] if base else above)
            # What is imported from a package may be one of its modules.
            yield from (base if one.name == "*" else f"{base}.{one.name}" for one in node.names)


@lru_cache
def _installed_in() -> tuple[Path, ...]:
    folders = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    folders += [*site.getsitepackages(), site.getusersitepackages()]
    return tuple(dict.fromkeys(Path(folder).resolve() for folder in folders))


def _is_installed(origin: str) -> bool:
    path = Path(origin).resolve()
    return any(folder in path.parents for folder in _installed_in())


def _distribution(module: str) -> tuple[str, str]:
    """The distribution that a module was installed by, and its version."""
    top = module.split(".")[0]
    for name in _distributions().get(top, ()):
        return name, importlib.metadata.version(name)
    return top, "unknown"


@lru_cache
def _distributions() -> Mapping[str, list[str]]:
    return importlib.metadata.packages_distributions()
