"""A Ray cluster of two nodes on this machine."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def two_nodes() -> Iterator[str]:
    """Start nodes with one core each, and return the address of the cluster."""
    os.environ['RAY_USAGE_STATS_ENABLED'] = '0'  # as "ray start --disable-usage-stats" does
    from ray.cluster_utils import Cluster

    cluster = Cluster(
        initialize_head=True, head_node_args={'num_cpus': 1, 'include_dashboard': False}
    )
    try:
        cluster.add_node(num_cpus=1)
        del os.environ['RAY_USAGE_STATS_ENABLED']
        yield cluster.address
    finally:
        cluster.shutdown()
