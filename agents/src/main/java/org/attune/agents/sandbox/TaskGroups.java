package org.attune.agents.sandbox;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;

/// Control groups of the kernel (`pids`, version 1 or 2) that hold a program's processes and
/// threads below a number, where this process may make such groups. Thread-safe.
final class TaskGroups implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(TaskGroups.class);
    private static final String NAME = "attune-";
    private static final String MOST = "pids.max";
    private static final String MEMBERS = "cgroup.procs";
    private static final int DELETE_TRIES = 50;

    private final Path parent;
    /// The next group's number in this process, in which there may be several sandboxes.
    private static final AtomicInteger NEXT = new AtomicInteger();

    private final ArrayDeque<Group> used = new ArrayDeque<>(); // guarded by itself

    private record Group(Path folder, Process process) {}

    private TaskGroups(Path parent) {
        this.parent = parent;
    }

    /// Empty if no groups can be made here.
    static Optional<TaskGroups> find() {
        try {
            Optional<Path> own =
                    own(
                            Files.readAllLines(Path.of("/proc/self/mounts")),
                            Files.readAllLines(Path.of("/proc/self/cgroup")));
            if (own.isEmpty()) {
                return Optional.empty();
            }
            var groups = new TaskGroups(own.get());
            groups.deleteLeftBehind();
            Path tried = groups.make(1);
            Files.delete(tried);
            return Optional.of(groups);
        } catch (IOException | RuntimeException e) {
            log.debug("no control groups can be made", e);
            return Optional.empty();
        }
    }

    /// The folder of this process's own group.
    ///
    /// @param mounts lines of `/proc/self/mounts`
    /// @param memberships lines of `/proc/self/cgroup`
    static Optional<Path> own(List<String> mounts, List<String> memberships) {
        for (String line : mounts) {
            String[] mount = line.split(" ");
            boolean first = mount.length > 3 && mount[2].equals("cgroup");
            boolean second = mount.length > 3 && mount[2].equals("cgroup2");
            if (first && List.of(mount[3].split(",")).contains("pids")) {
                return membership(memberships, "pids").map(path -> Path.of(mount[1] + path));
            }
            if (second && Files.exists(Path.of(mount[1], "cgroup.controllers"))) {
                Optional<Path> own =
                        membership(memberships, "").map(path -> Path.of(mount[1] + path));
                if (own.isPresent() && offersPids(own.get())) {
                    return own;
                }
            }
        }
        return Optional.empty();
    }

    private static boolean offersPids(Path group) {
        try {
            return List.of(
                            Files.readString(group.resolve("cgroup.subtree_control"))
                                    .strip()
                                    .split(" "))
                    .contains("pids");
        } catch (IOException e) {
            return false; // not one of version 2
        }
    }

    private static Optional<String> membership(List<String> memberships, String controller) {
        return memberships.stream()
                .map(line -> line.split(":", 3))
                .filter(parts -> parts.length == 3)
                .filter(parts -> List.of(parts[1].split(",")).contains(controller))
                .map(parts -> parts[2].equals("/") ? "" : parts[2])
                .findFirst();
    }

    private Path make(int tasks) throws IOException {
        Path folder =
                Files.createDirectory(
                        parent.resolve(
                                NAME
                                        + ProcessHandle.current().pid()
                                        + "-"
                                        + NEXT.incrementAndGet()));
        try {
            Files.writeString(folder.resolve(MOST), Integer.toString(tasks));
            return folder;
        } catch (IOException e) {
            Files.deleteIfExists(folder);
            throw e;
        }
    }

    /// Puts a process, with all that it starts from now on, into another group.
    ///
    /// @param tasks most processes and threads
    /// @throws IOException if the system refuses it
    void hold(Process process, int tasks) throws IOException {
        deleteEnded();
        Path folder = make(tasks);
        synchronized (used) {
            used.add(new Group(folder, process));
        }
        Files.writeString(folder.resolve(MEMBERS), Long.toString(process.pid()));
    }

    private void deleteEnded() {
        synchronized (used) {
            used.removeIf(group -> !group.process().isAlive() && isDeleted(group.folder()));
        }
    }

    private static boolean isDeleted(Path folder) {
        try {
            Files.deleteIfExists(folder);
            return true;
        } catch (DirectoryNotEmptyException e) {
            return false;
        } catch (IOException e) {
            return false; // its last process is still ending
        }
    }

    /// Groups of runs that were killed.
    private void deleteLeftBehind() throws IOException {
        try (DirectoryStream<Path> folders = Files.newDirectoryStream(parent, NAME + "[0-9]*")) {
            for (Path folder : folders) {
                String[] name = folder.getFileName().toString().split("-");
                if (ProcessHandle.of(Long.parseLong(name[1])).isEmpty() && !isDeleted(folder)) {
                    log.debug("{} is left behind and can't be deleted", folder);
                }
            }
        }
    }

    /// Deletes the groups of programs that have ended, and waits a moment for those that are about
    /// to.
    @Override
    public void close() {
        for (int i = 0; i < DELETE_TRIES; i++) {
            synchronized (used) {
                used.removeIf(group -> isDeleted(group.folder()));
                if (used.isEmpty()) {
                    return;
                }
            }
            try {
                Thread.sleep(20);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
        log.debug("{} control groups are left behind", used.size());
    }
}
