package org.attune.trainers.report;

import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/// A process that makes a run.
///
/// @param pid its number
/// @param host name of its machine
/// @param started when it began, where the system tells: numbers are used again
public record RunProcess(long pid, String host, Optional<Instant> started) {
    /// Clocks are set, and systems tell a start to a second.
    private static final Duration SAME = Duration.ofSeconds(5);

    /// This process.
    public static RunProcess current() {
        return of(ProcessHandle.current());
    }

    static RunProcess of(ProcessHandle process) {
        return new RunProcess(process.pid(), currentHost(), process.info().startInstant());
    }

    /// Name of this machine.
    public static String currentHost() {
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) {
            return "this machine";
        }
    }

    /// Whether this is known to be over. Of processes on other machines nothing is known.
    public boolean isGone() {
        return isHere() && (isUnknown() || isZombie());
    }

    /// Whether the process runs, or ran, on this machine.
    public boolean isHere() {
        return host.equals(currentHost());
    }

    private boolean isUnknown() {
        Optional<ProcessHandle> found = ProcessHandle.of(pid).filter(ProcessHandle::isAlive);
        return found.isEmpty() || !isSame(found.get().info().startInstant());
    }

    private boolean isSame(Optional<Instant> other) {
        return started.isEmpty()
                || other.isEmpty()
                || Duration.between(started.get(), other.get()).abs().compareTo(SAME) <= 0;
    }

    /// A killed process that its parent hasn't asked for still has its number.
    private boolean isZombie() {
        try {
            String status = Files.readString(Path.of("/proc/" + pid + "/stat"));
            return status.substring(status.lastIndexOf(')') + 1).stripLeading().startsWith("Z");
        } catch (IOException e) {
            return false; // no Linux, or gone this moment: the next look tells
        }
    }
}
