"""What has to go: the oldest, no more than needed, never what is being stored, and the disk is never filled."""

from hypothesis import given
from hypothesis import strategies as st

from movinet_edge.evidence.retention import Kept, Quota, in_the_way, on_disk_bytes, outdated

ROOM = 10**9


def kept(count, *, stream="porch", size_bytes=100):
    return [Kept(f"{stream}{i:03}", stream, float(i), size_bytes) for i in range(count)]


def going(existing, quota, *, event_id="new", size_bytes=100, free_bytes=ROOM):
    found = in_the_way(existing, quota, event_id=event_id, stream="porch", size_bytes=size_bytes, free_bytes=free_bytes)
    return None if found is None else [one.event_id for one in found]


def quota(**changes):
    return Quota(**{"max_age_s": 100.0, "max_events": 1000, "max_bytes": 10**6, "keep_free_bytes": 0} | changes)


def test_nothing_goes_while_there_is_room():
    assert going(kept(10), quota()) == []


def test_the_oldest_go_by_number():
    assert going(kept(10), quota(max_events=8)) == ["porch000", "porch001", "porch002"]


def test_the_oldest_go_by_size():
    assert going(kept(10), quota(max_bytes=950)) == ["porch000", "porch001"]


def test_other_streams_have_quotas_of_their_own():
    assert going(kept(10, stream="garden") + kept(2), quota(max_events=2)) == ["porch000"]


def test_a_full_disk_takes_the_oldest_of_all_streams():
    existing = kept(2, stream="garden") + kept(2)
    assert going(existing, quota(keep_free_bytes=1000), free_bytes=900) == ["garden000", "porch000"]


def test_what_goes_for_the_quota_counts_for_the_disk():
    existing = kept(5)
    assert going(existing, quota(max_events=3, keep_free_bytes=1000), free_bytes=900) == [
        "porch000",
        "porch001",
        "porch002",
    ]


def test_more_of_the_same_event_pushes_out_others_but_not_itself():
    existing = kept(3)
    assert going(existing, quota(max_bytes=300), event_id="porch000") == ["porch001"]
    assert going(existing, quota(max_bytes=150), event_id="porch000") is None


def test_what_never_fits_pushes_nothing_out():
    assert going(kept(3), quota(max_bytes=50)) is None
    assert going(kept(3), quota(keep_free_bytes=1000), free_bytes=10) is None


def test_age_is_a_reason_of_its_own():
    assert [one.event_id for one in outdated(kept(5), quota(max_age_s=2.0), 4.5)] == [
        "porch000",
        "porch001",
        "porch002",
    ]


def test_a_file_takes_whole_blocks():
    assert [on_disk_bytes(size) for size in (0, 1, 4096, 4097)] == [0, 4096, 4096, 8192]


@given(
    sizes=st.lists(st.tuples(st.sampled_from(["porch", "garden"]), st.integers(1, 500)), max_size=40),
    size_bytes=st.integers(1, 600),
    max_events=st.integers(1, 20),
    max_bytes=st.integers(1, 3000),
    keep_free_bytes=st.integers(0, 2000),
    free_bytes=st.integers(0, 3000),
)
def test_afterwards_all_bounds_hold_and_nothing_went_in_vain(  # noqa: PLR0917 (of hypothesis)
    sizes, size_bytes, max_events, max_bytes, keep_free_bytes, free_bytes
):
    existing = [Kept(str(i), stream, float(i), size) for i, (stream, size) in enumerate(sizes)]
    bounds = quota(max_events=max_events, max_bytes=max_bytes, keep_free_bytes=keep_free_bytes)

    def hold(gone):
        left = [one for one in existing if one not in gone and one.stream == "porch"]
        freed = sum(one.size_bytes for one in gone)
        return (
            len(left) < max_events
            and sum(one.size_bytes for one in left) + size_bytes <= max_bytes
            and free_bytes + freed - size_bytes >= keep_free_bytes
        )

    found = in_the_way(existing, bounds, event_id="new", stream="porch", size_bytes=size_bytes, free_bytes=free_bytes)
    if found is None:
        assert not hold(existing)
    else:
        assert hold(found)
        assert len(set(found)) == len(found)
        # The newest of its own stream or of all is never taken while an older one of the same would have done.
        assert not found or not hold(found[:-1])
