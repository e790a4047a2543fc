"""`tf.data.Options` and its parts, which concern how elements are read, not which."""


class Options:
    """`tf.data.Options`: accepts all settings; how elements are read does not depend on them."""

    def __init__(self) -> None:
        self.deterministic = True
        for part in ("autotune", "threading"):
            setattr(self, part, Part())
        self.experimental_distribute, self.experimental_optimization = Part(), Part()

    def merge(self, options: "Options") -> "Options":
        """The settings of these options and then of others."""
        made = Options()
        vars(made).update({**vars(self), **vars(options)})
        return made


class Part:
    """A group of settings."""


class AutoShardPolicy:
    """How a data set is divided among processes: one process reads all of it."""

    OFF, AUTO, FILE, DATA, HINT = -1, 0, 1, 2, 3
