"""hornbook beside its peers: the same work, one machine, one run."""
