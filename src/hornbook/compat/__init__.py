"""Run programs written for older libraries, unchanged.

`install("keras1")` makes `import keras` mean Keras 1; `installed` does so within a `with` block.
"""

from hornbook.compat.install import install, installed, uninstall

__all__ = ["install", "installed", "uninstall"]
__dir__ = __all__.copy
