"""Selection of the pool that runs tasks: this process, several processes, or a cluster."""

from jtn_ros.jobs.pool import Pool
from jtn_ros.jobs.pool import SerialPool


def open_pool(jobs: int | None, ray: str | None, cpus: int) -> Pool:
    """Return the pool that runs the tasks.

    Args:
        jobs: number of parallel tasks; None for one, or on a cluster for as many as fit.
        ray: address of a Ray cluster; None for this machine.
        cpus: number of CPU cores per task on a cluster.

    Raises:
        JtnError: if Ray is not installed, or no cluster responds.
    """
    if ray is not None:
        from jtn_ros.jobs.ray_pool import RayPool  # optional

        return RayPool(ray, jobs, cpus)
    if jobs is None or jobs == 1:
        return SerialPool()
    from jtn_ros.jobs.process_pool import ProcessPool

    return ProcessPool(jobs)
