// Reading files of a task's sandbox from its agent, bytes as they are.
//
//   GET /gleaner/v1/files?path=…&offset=N&length=N → 200 with up to `length` bytes from `offset`, none at the end
//
// `path` is `/frameworks/<framework>/executors/<task>/runs/latest/<file>`, the virtual path of Mesos's agents
// (spec/mesos.md §3.7).

export const filesPath = "/gleaner/v1/files"

/** Bytes in one answer, at most. */
export const filesLengthMax = 1024 * 1024
