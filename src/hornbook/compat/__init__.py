"""Programs for older libraries, run as they were written.

`install("keras1")` makes `import keras` mean Keras 1, and so on; `installed` does it for a time.
"""

from hornbook.compat.install import install, installed, uninstall

__all__ = ["install", "installed", "uninstall"]
__dir__ = __all__.copy
