"""The peer: FastAPI on uvicorn (1 worker) in front of the same backend over grpc.aio. argv: PROTO_DIR BACKEND_PORT LISTEN_PORT"""
import sys

import grpc
import uvicorn
from fastapi import FastAPI
from google.protobuf.json_format import MessageToDict
from pydantic import BaseModel

sys.path.insert(0, sys.argv[1])
import bench_pb2  # noqa: E402  (generated into argv[1] before the start)
import bench_pb2_grpc  # noqa: E402


class Lookup(BaseModel):
    query: str = ""
    session_id: str = ""
    limit: int = 0


app = FastAPI()
state = {}


@app.on_event("startup")
async def connect():
    state["stub"] = bench_pb2_grpc.BenchServiceStub(grpc.aio.insecure_channel(f"127.0.0.1:{sys.argv[2]}"))


@app.post("/bench/lookup")
async def lookup(body: Lookup):
    answer = await state["stub"].Lookup(
        bench_pb2.LookupRequest(query=body.query, session_id=body.session_id, limit=body.limit))
    return MessageToDict(answer, preserving_proto_field_name=True, including_default_value_fields=True)


uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[3]), log_level="error", access_log=False)
