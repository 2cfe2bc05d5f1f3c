"""llama.cpp's own server, out of the package xllamacpp: serves a GGUF file at a port of this machine until it is ended.

    python llama_server.py MODEL.gguf PORT SLOTS TOKENS THREADS

SLOTS answers at once, each of up to TOKENS tokens, prompt included.
"""

import sys
import threading

import xllamacpp


def main(model: str, port: str, slots: str, tokens: str, threads: str) -> None:
    params = xllamacpp.CommonParams()
    params.model.path = model
    params.hostnames = ["127.0.0.1"]
    params.port = int(port)
    params.n_parallel = int(slots)
    params.n_ctx = int(slots) * int(tokens)
    params.n_batch = params.n_ubatch = 512
    params.cpuparams.n_threads = int(threads)
    params.cpuparams_batch.n_threads = int(threads)
    params.n_threads_http = int(slots) + 4
    server = xllamacpp.Server(params)
    print("listening at", server.listening_address, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
