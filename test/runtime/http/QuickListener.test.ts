import { takeQuickPath } from "./ListenerFixture.ts"

// All that holds of a listener holds of one with the quick path.

takeQuickPath()
await import("./Listener.test.ts")
await import("./RecordStream.test.ts")
await import("./Attacks.test.ts")
await import("./Tls.test.ts")
