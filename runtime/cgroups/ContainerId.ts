/** Control files lie beside the containers' folders, so a container may not have the name of one. */
const controlFile =
  /^(tasks|release_agent|notify_on_release|(cgroup|cpu|cpuacct|cpuset|memory|freezer|pids|blkio|devices)\..*)$/

export const isContainerId = (text: string): boolean =>
  /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}$/.test(text) && !controlFile.test(text)
