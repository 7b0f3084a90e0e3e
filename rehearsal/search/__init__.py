"""OpenSearch on loopback, as far as the agent, its ingest and its runbooks use it.

`python -m rehearsal.search --port 0 --corpus` serves one cluster of three data nodes. Vectors are found by
faiss's HNSW, the engine the real index names; words by BM25; what is on which shard is counted, not stored.
"""
