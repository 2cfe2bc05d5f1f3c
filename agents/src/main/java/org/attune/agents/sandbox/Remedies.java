package org.attune.agents.sandbox;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// What can be done where the system refuses a step into the jail.
///
/// @param root of the system's files
record Remedies(Path root) {
    private static final Map<String, String> ALLOWS_NAMESPACES =
            Map.of(
                    "kernel/apparmor_restrict_unprivileged_userns", "0",
                    "kernel/unprivileged_userns_clone", "1",
                    "user/max_user_namespaces", "10000");

    /// Remedies for this system.
    Remedies() {
        this(Path.of("/"));
    }

    /// What helps with a step, as the end of a sentence or a sentence.
    String of(JailStep step) {
        return switch (step) {
            case NAMESPACES -> namespaces();
            case LANDLOCK ->
                    "for Landlock take Linux 5.13 or newer, and name landlock in the kernel's"
                            + " parameter lsm= (/sys/kernel/security/lsm lists what runs)";
            case SECCOMP ->
                    "for a filter of calls take a kernel with CONFIG_SECCOMP_FILTER, and in a"
                            + " container a profile that allows the call seccomp";
            case TASKS -> tasks();
            default ->
                    "a profile of seccomp forbids what every process may do otherwise: in a"
                            + " container start it with --security-opt seccomp=unconfined";
        };
    }

    private String namespaces() {
        List<String> settings = new ArrayList<>();
        ALLOWS_NAMESPACES.forEach(
                (name, allows) -> {
                    String forbids = allows.equals("0") ? "1" : "0";
                    if (read(root.resolve("proc/sys").resolve(name)).equals(forbids)) {
                        settings.add("sysctl -w %s=%s".formatted(name.replace('/', '.'), allows));
                    }
                });
        if (!settings.isEmpty()) {
            settings.sort(null);
            return "for namespaces run, as root, " + String.join(" and ", settings);
        }
        if (isContainer()) {
            return "for namespaces start the container, on Linux 5.12 or newer, with"
                    + " --security-opt seccomp=unconfined"
                    + " --security-opt apparmor=unconfined (Docker, Podman), or with the"
                    + " profiles Unconfined for both (Kubernetes)";
        }
        return "for namespaces take Linux 5.12 or newer, and no profile of seccomp or AppArmor"
                + " that forbids the calls unshare, setns, mount and pivot_root";
    }

    private String tasks() {
        String other =
                read(root.resolve("proc/self/uid_map")).startsWith("0 ") && isContainer()
                        ? "the container as another user (--user 1000)"
                        : "it as another user than root";
        return "for a limit of processes run %s, or where it may make control groups with the controller pids (systemd-run --user --scope -p Delegate=yes)"
                .formatted(other);
    }

    /// What helps where a program's processes can't be counted.
    String ofCounting() {
        return read(root.resolve("proc/self/mounts"))
                        .lines()
                        .anyMatch(line -> line.matches("\\S+ /proc proc \\S*hidepid=[^0].*"))
                ? "/proc hides processes: run, as root, mount -o remount,hidepid=0 /proc"
                : "mount /proc so that it shows the processes of this user";
    }

    private boolean isContainer() {
        return Files.exists(root.resolve(".dockerenv"))
                || Files.exists(root.resolve("run/.containerenv"))
                || Files.exists(root.resolve("var/run/secrets/kubernetes.io"));
    }

    private static String read(Path file) {
        try {
            return Files.readString(file).strip();
        } catch (IOException e) {
            return ""; // this kernel has no such setting
        }
    }
}
