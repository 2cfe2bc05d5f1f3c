package org.attune.agents.sandbox;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;

/// Who a program is, and how it comes to namespaces: root may make them, and makes the program a
/// user that owns nothing; others need a user namespace.
///
/// @param isRoot whether the process that makes the namespaces has root's rights
/// @param id of the program's user
/// @param group of the program's user
record JailUser(boolean isRoot, long id, long group) {
    private static final AtomicLong NEXT = new AtomicLong();
    private static final long FIRST = 1_000_000_000;
    private static final int PER_PROCESS = 256;
    private static final long NOBODY = 65534;
    private static final int WRITE = 0x80001; // O_WRONLY | O_CLOEXEC
    private static final long CURRENT_FOLDER = -100; // AT_FDCWD
    private static final int VERSION = 0x20080522; // _LINUX_CAPABILITY_VERSION_3
    private static final int CAPABILITIES = 64;
    private static final int DROP_FROM_BOUNDING_SET = 24;
    private static final int NO_NEW_PRIVILEGES = 38;

    /// A user that no other episode has, as far as there are numbers.
    static JailUser unused() throws IOException {
        long number =
                FIRST
                        + ProcessHandle.current().pid() * PER_PROCESS
                        + NEXT.getAndIncrement() % PER_PROCESS;
        long id = isMapped(number) ? number : NOBODY;
        return new JailUser(true, id, id);
    }

    /// Whether the system has a user of this number for this process.
    private static boolean isMapped(long number) throws IOException {
        return Files.readAllLines(Path.of("/proc/self/uid_map")).stream()
                .map(line -> line.strip().split("\\s+"))
                .anyMatch(
                        of ->
                                number >= Long.parseLong(of[0])
                                        && number < Long.parseLong(of[0]) + Long.parseLong(of[2]));
    }

    /// This process's own.
    static JailUser own() throws IOException {
        Path self = Path.of("/proc/self");
        return new JailUser(
                false,
                ((Number) Files.getAttribute(self, "unix:uid")).longValue(),
                ((Number) Files.getAttribute(self, "unix:gid")).longValue());
    }

    /// Makes namespaces and enters them.
    void unshare(JailCalls calls, long kinds) {
        if (isRoot) {
            calls.need(JailStep.NAMESPACES, "unshare", kinds);
            return;
        }
        calls.need(JailStep.NAMESPACES, "unshare", kinds | Namespaces.NEW_USER);
        write(calls, "/proc/self/setgroups", "deny");
        write(calls, "/proc/self/uid_map", "%d %d 1".formatted(id, id));
        write(calls, "/proc/self/gid_map", "%d %d 1".formatted(group, group));
    }

    private static void write(JailCalls calls, String file, String text) {
        var open = calls.need(JailStep.NAMESPACES, "openat", CURRENT_FOLDER, file, WRITE);
        calls.need(JailStep.NAMESPACES, "write", open.result(), text, text.length());
        calls.may("close", open.result());
    }

    /// Gives it a folder.
    void own(JailCalls calls, String folder) {
        if (isRoot) {
            calls.need(JailStep.NAMESPACES, "fchownat", CURRENT_FOLDER, folder, id, group, 0);
        }
    }

    /// Becomes that user, and gives up all privileges for good.
    void become(JailCalls calls) {
        if (isRoot) {
            calls.need(JailStep.NAMESPACES, "setgroups", 0, 0);
            dropFromBoundingSet(calls);
            calls.need(JailStep.NAMESPACES, "setresgid", group, group, group);
            calls.need(JailStep.NAMESPACES, "setresuid", id, id, id);
        }
        dropPrivileges(calls);
    }

    /// Gives up all privileges for good.
    static void dropPrivileges(JailCalls calls) {
        calls.need(JailStep.PRIVILEGES, "prctl", NO_NEW_PRIVILEGES, 1);
        dropFromBoundingSet(calls);
        calls.need(
                JailStep.PRIVILEGES,
                "capset",
                calls.list().longs(VERSION),
                calls.list().longs(0, 0, 0));
    }

    private static void dropFromBoundingSet(JailCalls calls) {
        for (int i = 0; i < CAPABILITIES; i++) {
            // others than root have nothing to lose, and are refused
            calls.may("prctl", DROP_FROM_BOUNDING_SET, i);
        }
    }
}
