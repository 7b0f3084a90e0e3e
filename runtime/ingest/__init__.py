"""Taking documents into the search (VEC-4): found, read, cut, embedded, written, and what is gone taken out.

`run.Run` does it for a folder or a bucket, `worker` for a queue; both are `intake.Intake` on some files after
others. The index itself is what is known of the past: nothing else is kept, so any run can be stopped
anywhere and begun again. Searching belongs to `runtime.retrieval`.
"""
