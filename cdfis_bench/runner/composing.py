"""Composing the configurations of a sweep once per choice of options.

Hydra composes every job twice, from some twenty files each time: before the first job, to find
mistakes early, and when the job starts. Jobs that differ in values only (seed=0, seed=1) need the
files once: their values are set on a copy, by the function with which Hydra sets them.
"""

import copy
import pickle
from collections import OrderedDict
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl, get_overrides_dirname
from hydra._internal.config_repository import ConfigRepository
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.plugins.config_source import ConfigResult
from omegaconf import DictConfig, OmegaConf, open_dict

_KEPT = 256  # composed configurations, of 20 kilobytes each


class CachingLoader(ConfigLoaderImpl):
    """A loader that composes jobs with the same options once."""

    def __init__(self, loader: ConfigLoaderImpl) -> None:
        vars(self).update(loader.__dict__)
        if type(loader.repository) is ConfigRepository:
            self.repository = _CachingRepository(loader.repository)
        self._composed: OrderedDict[tuple[str, ...], bytes] = OrderedDict()

    def __reduce__(self) -> tuple[Any, ...]:
        """A launcher's worker process gets Hydra's own loader.

        Hydra loads its plugins twice there, so that the pickled copies above could not be made.
        """
        own = {key: value for key, value in self.__dict__.items() if key != "_composed"}
        return _plain, (ConfigLoaderImpl, own)

    def load_sweep_config(
        self, master_config: DictConfig, sweep_overrides: list[str]
    ) -> DictConfig:
        """The configuration of a job, equal to the one that Hydra composes."""
        parsed = OverridesParser.create().parse_overrides(sweep_overrides)
        values = [one for one in parsed if self._is_value(one)]
        options = tuple(
            line for line, one in zip(sweep_overrides, parsed, strict=True) if one not in values
        )
        config = self._base(master_config, options)
        self._apply_overrides_to_config(values, config)
        task = [one for one in parsed if not one.is_hydra_override()]
        with open_dict(config.hydra):
            config.hydra.overrides.task = [one.input_line for one in task]
            style = config.hydra.job.config.override_dirname
            config.hydra.job.override_dirname = get_overrides_dirname(
                overrides=task,
                kv_sep=style.kv_sep,
                item_sep=style.item_sep,
                exclude_keys=style.exclude_keys,
            )
        OmegaConf.copy_cache(from_config=master_config, to_config=config)
        return config

    def _is_value(self, override: Override) -> bool:
        """Whether an override sets a value and has no say in which files are composed."""
        return (
            not override.is_add()
            and not override.is_delete()
            and not override.is_hydra_override()
            and override.package is None
            and not self.repository.group_exists(override.key_or_group)
        )

    def _base(self, master_config: DictConfig, options: tuple[str, ...]) -> DictConfig:
        if options not in self._composed:
            config = super().load_sweep_config(master_config, list(options))
            self._composed[options] = pickle.dumps(config)
            if len(self._composed) > _KEPT:
                self._composed.popitem(last=False)
        self._composed.move_to_end(options)
        return pickle.loads(self._composed[options])


def _plain(kind: type, state: dict[str, Any]) -> object:
    """An object of Hydra's own class with this state."""
    made = object.__new__(kind)
    vars(made).update(state)
    return made


class _CachingRepository(ConfigRepository):
    """The files of the configuration, each parsed once."""

    def __init__(self, repository: ConfigRepository) -> None:
        vars(self).update(repository.__dict__)
        self._loaded: dict[str, bytes] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        own = {key: value for key, value in self.__dict__.items() if key != "_loaded"}
        return _plain, (ConfigRepository, own)

    def __deepcopy__(self, memo: dict[int, Any]) -> "_CachingRepository":
        """Hydra composes with a copy, which shares what has been parsed."""
        clone = type(self).__new__(type(self))
        values = {key: value for key, value in self.__dict__.items() if key != "_loaded"}
        vars(clone).update(copy.deepcopy(values, memo))
        clone._loaded = self._loaded
        return clone

    def load_config(self, config_path: str) -> ConfigResult | None:
        if config_path not in self._loaded:
            self._loaded[config_path] = pickle.dumps(super().load_config(config_path))
        return pickle.loads(self._loaded[config_path])

    def initialize_sources(self, config_search_path: ConfigSearchPath) -> None:
        super().initialize_sources(config_search_path)
        self._loaded = {}
