package org.attune.agents.sandbox;

/// What a launcher does to itself before it becomes the program. A step that the system doesn't
/// allow can be left out.
enum JailStep {
    /// A new session, so that all its processes can be ended at once.
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
    /// The program takes the launcher's place. Can't be left out.
    EXEC
}
