"""All requests, in the order in which they are played."""
import json

from access import access_more
from breadth import breadth
from changes import custom, patches, subresources
from custom import custom_more
from kinds import KINDS
from limits import limits
from lives import after_life, life, setup
from mistakes import immutable, wrong
from mistakes_more import wrong_more
from options import options
from questions import access, bodies, discovery, reads, streams
from tables import tables


def all_requests():
    yield from setup()
    yield from discovery()
    for kind in KINDS:
        yield from life(kind)
    yield from wrong()
    yield from immutable()
    yield from custom()
    yield from subresources()
    yield from patches()
    yield from reads()
    yield from bodies()
    yield from access()
    yield from streams()
    yield from wrong_more()
    yield from options()
    yield from limits()
    yield from access_more()
    yield from custom_more()
    yield from tables()
    yield from breadth()
    for kind in KINDS:
        yield from after_life(kind)


if __name__ == "__main__":
    every = list(all_requests())
    assert len({r["id"] for r in every}) == len(every), [i for i in {r["id"] for r in every} if sum(q["id"] == i for q in every) > 1]
    print(len(every), json.dumps(every[5])[:200])
