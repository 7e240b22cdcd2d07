/** What the monitor's shell must do, in order. */
export type MonitorAction =
  /** Estimate loop: keep this much of the host for its primary; what is lent beyond it shrinks or grows. */
  | {
      readonly type: "HoldReserve"
      readonly host: number
      readonly cpuMilli: number
      readonly memMilli: number
    }
  /**
   * Guard loop: all that is borrowed may use this much together, from now on. While the host has no lease it is a lowering:
   * the shell writes each number only where it is below the one in force.
   */
  | {
      readonly type: "SetCeiling"
      readonly host: number
      readonly cpuMilli: number
      readonly memMilli: number
    }
  | { readonly type: "FreezeTask"; readonly host: number; readonly containerId: string; readonly why: string }
  | { readonly type: "ThawTask"; readonly host: number; readonly containerId: string }
  /** The agent stops it and tells its framework why. */
  | { readonly type: "EvictTask"; readonly host: number; readonly containerId: string; readonly why: string }
