"""The extensions of server and laboratory are found, with the files that they serve."""

from pathlib import Path

from jupyter_core.paths import jupyter_config_path, jupyter_path
from jupyter_server.extension.config import ExtensionConfigManager
from jupyter_server.extension.manager import ExtensionManager
from jupyterlab.commands import get_app_dir, get_app_info
from jupyterlab.labapp import LabApp

assert jupyter_config_path()
enabled = ExtensionConfigManager(read_config_path=jupyter_config_path()).get_jpserver_extensions()
manager = ExtensionManager()
manager.from_jpserver_extensions(enabled)
print(sorted(manager.extensions))
print(LabApp.name, (Path(get_app_dir()) / "static" / "index.html").is_file())
print(sorted(get_app_info()["federated_extensions"]))
print(sorted(kernel.name for place in jupyter_path("kernels") for kernel in Path(place).glob("*")))
