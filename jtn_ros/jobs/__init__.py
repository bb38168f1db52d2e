"""Parallel tasks: in this process, in processes of this machine, or on a cluster."""

from jtn_ros.jobs.opening import open_pool
from jtn_ros.jobs.outcome import Outcome
from jtn_ros.jobs.pool import Pool

__all__ = ['Outcome', 'Pool', 'open_pool']
