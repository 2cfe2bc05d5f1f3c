package org.attune.agents.sandbox;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

class TaskGroupsTest {
    private static final List<String> FIRST = List.of("9:name=systemd:/", "8:pids:/a/b", "0::/");

    @Test
    void theOwnGroupIsFoundByItsController() {
        List<String> mounts =
                List.of(
                        "tmpfs /sys/fs/cgroup tmpfs rw 0 0",
                        "cgroup /sys/fs/cgroup/cpu cgroup rw,relatime,cpu 0 0",
                        "cgroup /sys/fs/cgroup/pids cgroup rw,relatime,pids 0 0");
        assertEquals(
                Optional.of(Path.of("/sys/fs/cgroup/pids/a/b")), TaskGroups.own(mounts, FIRST));
        assertEquals(
                Optional.of(Path.of("/sys/fs/cgroup/pids")),
                TaskGroups.own(mounts, List.of("8:pids:/")));
        assertEquals(Optional.empty(), TaskGroups.own(mounts.subList(0, 2), FIRST));
        assertEquals(Optional.empty(), TaskGroups.own(mounts, List.of("0::/")));
    }

    @Test
    void aGroupOfVersionTwoMustGiveItsOwnGroupsTheController(@TempDir Path mount) throws Exception {
        List<String> mounts = List.of("cgroup2 " + mount + " cgroup2 rw 0 0");
        Files.createFile(mount.resolve("cgroup.controllers"));
        Path own = Files.createDirectories(mount.resolve("user/run"));
        List<String> memberships = List.of("0::/user/run");
        assertEquals(Optional.empty(), TaskGroups.own(mounts, memberships));
        Files.writeString(own.resolve("cgroup.subtree_control"), "cpu memory\n");
        assertEquals(Optional.empty(), TaskGroups.own(mounts, memberships));
        Files.writeString(own.resolve("cgroup.subtree_control"), "memory pids\n");
        assertEquals(Optional.of(own), TaskGroups.own(mounts, memberships));
    }

    @Test
    void groupsAreGoneWhenTheirProgramsAre() throws Exception {
        Optional<TaskGroups> groups = TaskGroups.find();
        assumeTrue(groups.isPresent(), "no control groups can be made here");
        Process sleeper = new ProcessBuilder("sleep", "60").start();
        try (TaskGroups open = groups.get()) {
            open.hold(sleeper, 5);
            String memberships = Files.readString(Path.of("/proc/" + sleeper.pid() + "/cgroup"));
            assertTrue(
                    memberships.contains("attune-" + ProcessHandle.current().pid()), memberships);
            sleeper.destroyForcibly().waitFor();
        }
        Path own =
                TaskGroups.own(
                                Files.readAllLines(Path.of("/proc/self/mounts")),
                                Files.readAllLines(Path.of("/proc/self/cgroup")))
                        .orElseThrow();
        try (var left =
                Files.newDirectoryStream(own, "attune-" + ProcessHandle.current().pid() + "-*")) {
            assertTrue(!left.iterator().hasNext(), "groups are left");
        }
    }
}
