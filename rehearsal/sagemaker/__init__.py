"""SageMaker's runtime on loopback: three endpoints that classify, embed and rerank, on busy instances.

`python -m rehearsal.sagemaker --port 0`. The intent model is real and small, and is trained from
`utterances.tsv` at the start; `python -m rehearsal.sagemaker.train` tells how good it is.
"""

KINDS = ("intent", "embed", "rerank")  # of endpoint, by what is in its name
