// There is no maintenance yet: nothing is scheduled, and every machine is up.

export const maintenanceSchedule = () => ({})
export const maintenanceStatus = () => ({})

export const getMaintenanceSchedule = () => ({ schedule: maintenanceSchedule() })
export const getMaintenanceStatus = () => ({ status: maintenanceStatus() })
