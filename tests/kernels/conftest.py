"""Which kernels a test is run with."""

import jax
import pytest

from hornbook.kernels import native


@pytest.fixture(scope="module", params=["compiled", "XLA"])
def kernels(request):
    """Run with the compiled kernels, then with the fallbacks for them."""
    if request.param == "compiled":
        if not native.available():
            pytest.skip("no compiled kernels here")
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(native, "library", lambda: None)
        jax.clear_caches()  # what was compiled before would call the kernels
        yield
    jax.clear_caches()
