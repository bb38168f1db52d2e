"""Tracks of single cameras, and their fusion to objects in the world."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from jtn_ros.positions.motion import predict
from jtn_ros.positions.position_filter import Positions
from jtn_ros.tracking import appearance
from jtn_ros.tracking.columns import Columns
from jtn_ros.tracking.track import Tracks

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Members(Columns):
    """N tracks of single cameras that belong to objects in the world.

    Attributes:
        world_ids: int64 (N,), identity of the object; 0 while it has none.
        cameras: int64 (N,), number of the camera, in the order of their first frames.
        track_ids: int64 (N,), of the camera.
        class_ids: int32 (N,).
        scores: float32 (N,), of the last detections.
        stamps_ns: int64 (N,), time of the last known position.
        means: float64 (N, 6), position and velocity then, in meters and meters per second.
        covariances: float64 (N, 6, 6) of these.
        embeddings: float32 (N, D), mean appearance; D is 0 without appearance.
        rivals: int64 (N,), another identity that matches better, 0 if there is none, and -1 if a
            separate identity matches better.
        rival_since_ns: int64 (N,), the time since which it matches better.
    """

    world_ids: NDArray[np.int64]
    cameras: NDArray[np.int64]
    track_ids: NDArray[np.int64]
    class_ids: NDArray[np.int32]
    scores: NDArray[np.float32]
    stamps_ns: NDArray[np.int64]
    means: Floats
    covariances: Floats
    embeddings: NDArray[np.float32]
    rivals: NDArray[np.int64]
    rival_since_ns: NDArray[np.int64]

    @classmethod
    def of(cls, camera: int, tracks: Tracks, positions: Positions, stamp_ns: int) -> Self:
        """Return the tracks of a frame, all of them located, without identities."""
        count = len(tracks)
        zeros = np.zeros(count, np.int64)
        embeddings = tracks.embeddings
        return cls(
            world_ids=zeros,
            cameras=np.full(count, camera, np.int64),
            track_ids=tracks.ids,
            class_ids=tracks.class_ids,
            scores=tracks.scores,
            stamps_ns=np.full(count, stamp_ns, np.int64),
            means=np.concatenate([positions.points, positions.velocities], axis=1),
            covariances=positions.covariances,
            embeddings=np.zeros((count, 0), np.float32) if embeddings is None else embeddings,
            rivals=zeros,
            rival_since_ns=zeros,
        )

    def widened(self, width: int) -> Self:
        """Return the tracks with embeddings of this length, zero if they have none."""
        missing = width - self.embeddings.shape[1]
        return self.replace(embeddings=np.pad(self.embeddings, ((0, 0), (0, missing))))


@dataclass(frozen=True, kw_only=True)
class WorldTracks(Columns):
    """N objects in the world at one time.

    Attributes:
        ids: int64 (N,), positive, never reused.
        class_ids: int32 (N,).
        scores: float32 (N,), the highest score of the cameras.
        stamps_ns: int64 (N,), the time at which an object was last located.
        means: float64 (N, 6), position and velocity in meters and meters per second.
        covariances: float64 (N, 6, 6) of these.
        embeddings: float32 (N, D), mean appearance; D is 0 without appearance.
    """

    ids: NDArray[np.int64]
    class_ids: NDArray[np.int32]
    scores: NDArray[np.float32]
    stamps_ns: NDArray[np.int64]
    means: Floats
    covariances: Floats
    embeddings: NDArray[np.float32]


def fuse(members: Members, stamp_ns: int) -> WorldTracks:
    """Return the objects to which tracks belong, at one time.

    The errors of two cameras that see the same motion are not independent, so the estimates are
    combined by covariance intersection with weights in closed form (W. Niehsen, "Information
    fusion based on fast covariance intersection filtering", 2002).
    """
    means, covariances = predict(
        members.means, members.covariances, (stamp_ns - members.stamps_ns) / 1e9
    )
    ids, groups = np.unique(members.world_ids, return_inverse=True)
    count = len(ids)
    weights = 1 / np.trace(covariances[:, :3, :3], axis1=1, axis2=2)
    weights /= np.bincount(groups, weights, count)[groups]
    informations = weights[:, None, None] * np.linalg.inv(covariances)
    total, vectors = np.zeros((count, 6, 6)), np.zeros((count, 6))
    np.add.at(total, groups, informations)
    np.add.at(vectors, groups, (informations @ means[:, :, None])[:, :, 0])
    fused = np.linalg.inv(total)
    embeddings = np.zeros((count, members.embeddings.shape[1]), np.float32)
    np.add.at(embeddings, groups, members.embeddings)
    scores, stamps = np.zeros(count, np.float32), np.zeros(count, np.int64)
    np.maximum.at(scores, groups, members.scores)
    np.maximum.at(stamps, groups, members.stamps_ns)
    class_ids = np.zeros(count, np.int32)
    class_ids[groups] = members.class_ids
    return WorldTracks(
        ids=ids,
        class_ids=class_ids,
        scores=scores,
        stamps_ns=stamps,
        means=(fused @ vectors[:, :, None])[:, :, 0],
        covariances=(fused + fused.transpose(0, 2, 1)) / 2,
        embeddings=appearance.normalize(embeddings),
    )
