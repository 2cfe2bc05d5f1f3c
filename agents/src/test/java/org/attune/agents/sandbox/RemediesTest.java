package org.attune.agents.sandbox;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

class RemediesTest {
    @TempDir Path root;

    private void put(String file, String text) throws IOException {
        Path path = root.resolve(file);
        Files.createDirectories(path.getParent());
        Files.writeString(path, text);
    }

    private String namespaces() {
        return new Remedies(root).of(JailStep.NAMESPACES);
    }

    @Test
    void settingsThatForbidNamespacesAreNamed() throws Exception {
        assertTrue(namespaces().startsWith("for namespaces take Linux 5.12"), namespaces());
        put("proc/sys/kernel/apparmor_restrict_unprivileged_userns", "0\n");
        put("proc/sys/kernel/unprivileged_userns_clone", "1\n");
        put("proc/sys/user/max_user_namespaces", "63359\n");
        assertTrue(namespaces().startsWith("for namespaces take Linux 5.12"), namespaces());
        put(".dockerenv", "");
        assertTrue(namespaces().contains("--security-opt seccomp=unconfined"), namespaces());
        put("proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n");
        assertEquals(
                "for namespaces run, as root, sysctl -w"
                        + " kernel.apparmor_restrict_unprivileged_userns=0",
                namespaces());
        put("proc/sys/user/max_user_namespaces", "0\n");
        assertTrue(namespaces().endsWith(" and sysctl -w user.max_user_namespaces=10000"));
    }

    @Test
    void whatHidesProcessesIsNamed() throws Exception {
        put("proc/self/mounts", "proc /proc proc rw,hidepid=0 0 0\n");
        assertTrue(new Remedies(root).ofCounting().startsWith("mount /proc"));
        put("proc/self/mounts", "proc /proc proc rw,nosuid,hidepid=invisible 0 0\n");
        assertTrue(new Remedies(root).ofCounting().contains("remount,hidepid=0"));
    }

    @Test
    void rootInAContainerMayBecomeAnotherUser() throws Exception {
        put("proc/self/uid_map", "         0          0 4294967295\n");
        String alone = new Remedies(root).of(JailStep.TASKS);
        assertTrue(alone.contains("as another user than root"), alone);
        put("run/.containerenv", "");
        String inside = new Remedies(root).of(JailStep.TASKS);
        assertTrue(inside.contains("--user 1000"), inside);
    }
}
