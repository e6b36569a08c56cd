"""What nobody has played before, in the order in which it is played; a real 1.32.13 was asked the same (invented_answers.json.gz)."""
from invented_further import invented_further
from invented_hostile import invented_hostile
from invented_neighbours import invented_neighbours
from invented_objects import invented_objects
from invented_patches import invented_patches
from invented_reads import invented_reads


def invented():
    yield from invented_patches()
    yield from invented_reads()
    yield from invented_objects()
    yield from invented_hostile()
    yield from invented_neighbours()
    yield from invented_further()
