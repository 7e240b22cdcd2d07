// What rules are about, in the words of Mesos's ACL files: the action, and what stands beside `principals` in its rules.

export const actionObjects = {
  register_frameworks: "roles",
  teardown_frameworks: "framework_principals",
  run_tasks: "users",
  reserve_resources: "roles",
  unreserve_resources: "reserver_principals",
  create_volumes: "roles",
  destroy_volumes: "creator_principals",
  resize_volumes: "roles",
  update_quotas: "roles",
  get_quotas: "roles",
  update_weights: "roles",
  view_roles: "roles",
  view_frameworks: "users",
  view_tasks: "users",
  view_executors: "users",
  view_containers: "users",
  view_flags: "flags",
  access_sandboxes: "users",
  access_mesos_logs: "logs",
  set_log_level: "level",
  get_endpoints: "paths",
  register_agents: "agents",
  mark_agents_gone: "agents",
  drain_agents: "agents",
  deactivate_agents: "agents",
  reactivate_agents: "agents",
  get_maintenance_schedules: "machines",
  get_maintenance_statuses: "machines",
  update_maintenance_schedules: "machines",
  start_maintenances: "machines",
  stop_maintenances: "machines",
} as const

export type Action = keyof typeof actionObjects

export const actions = Object.keys(actionObjects) as ReadonlyArray<Action>

/** Rules for what gleaner does not have. A file of Mesos may hold them; they are read over. */
export const foreignActions: ReadonlyArray<string> = [
  "launch_nested_containers",
  "launch_nested_container_sessions",
  "kill_nested_containers",
  "wait_nested_containers",
  "remove_nested_containers",
  "attach_containers_input",
  "attach_containers_output",
  "launch_standalone_containers",
  "kill_standalone_containers",
  "wait_standalone_containers",
  "remove_standalone_containers",
  "view_standalone_containers",
  "modify_resource_provider_configs",
  "view_resource_providers",
  "prune_images",
  "create_block_disks",
  "destroy_block_disks",
  "create_mount_disks",
  "destroy_mount_disks",
  "create_raw_disks",
  "destroy_raw_disks",
]
