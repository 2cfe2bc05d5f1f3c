package org.attune.agents.sandbox;

/// A means of the kernel to keep a program inside. One that the system refuses can be left out,
/// where less may be guaranteed then: see [Mechanisms].
enum JailStep {
    /// Files, processes and network of an episode alone.
    NAMESPACES,
    /// A session, so that all its processes are known.
    SESSION,
    /// Limits of memory, files and time of each process.
    LIMITS,
    /// How many processes and threads its user may have; the kernel sets root no limit.
    TASKS,
    /// No privileges, also not by programs that would give some.
    PRIVILEGES,
    /// Which files may be read and written.
    LANDLOCK,
    /// Which calls may be made.
    SECCOMP,
    /// The program itself. Can't be left out.
    EXEC
}
