package org.attune.models;

import com.sun.management.OperatingSystemMXBean;

import org.attune.tensor.Device;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Reads how much memory a process could still get without anything being swapped or killed.
///
/// @param root where `/proc` and `/sys` are: `/`
public record AvailableMemory(Path root) {
    /// Limits of version 1 that are none are near the largest long.
    private static final long NO_LIMIT = 1L << 60;

    /// Part that an estimate may use: the rest is for other processes, cached files, and what the
    /// estimate leaves out.
    public static final double SHARE = 0.75;

    /// Bytes on a device that an estimate may use; empty where the system does not tell.
    public static OptionalLong usable(Device device) {
        OptionalLong all = on(device);
        return all.isEmpty() ? all : OptionalLong.of((long) (SHARE * all.getAsLong()));
    }

    /// Bytes on a device; empty where the system does not tell. On a GPU what its allocator keeps
    /// of freed tensors counts too. On the engine thread.
    public static OptionalLong on(Device device) {
        if (!device.isGpu()) {
            return new AvailableMemory(Path.of("/")).bytes();
        }
        return device.memory()
                .map(memory -> OptionalLong.of(memory.available()))
                .orElse(OptionalLong.empty());
    }

    /// The least of what the machine has, what each control group above this process leaves, and
    /// what a limit of its address space does.
    public OptionalLong bytes() {
        OptionalLong machine = number("proc/meminfo", "MemAvailable:\\s+(\\d+) kB");
        if (machine.isEmpty()) {
            return ofOtherSystem();
        }
        long least = machine.getAsLong() * 1024;
        Path groups = root.resolve("sys/fs/cgroup");
        Path group = groups.resolve(ownGroup()).normalize();
        while (group.startsWith(groups)) {
            least = Math.min(least, left(group, "memory.max", "memory.current", "inactive_file"));
            group = group.getParent();
        }
        least = Math.min(least, new AddressSpace(root).left().orElse(Long.MAX_VALUE));
        return OptionalLong.of(Math.min(least, leftOfVersion1(groups.resolve("memory"))));
    }

    private static OptionalLong ofOtherSystem() {
        return ManagementFactory.getOperatingSystemMXBean() instanceof OperatingSystemMXBean system
                ? OptionalLong.of(system.getFreeMemorySize())
                : OptionalLong.empty();
    }

    /// Path of this process's group below the mount; empty in its own container.
    private String ownGroup() {
        return text("proc/self/cgroup")
                .lines()
                .filter(line -> line.startsWith("0::/"))
                .map(line -> line.substring("0::/".length()))
                .findFirst()
                .orElse("");
    }

    private long leftOfVersion1(Path group) {
        return left(group, "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file");
    }

    /// What a group may still use; its cache of files is given up when memory is short.
    private long left(Path group, String limitFile, String usedFile, String cacheKey) {
        OptionalLong limit = number(group.resolve(limitFile).toString(), "^(\\d+)");
        OptionalLong used = number(group.resolve(usedFile).toString(), "^(\\d+)");
        if (limit.isEmpty() || used.isEmpty() || limit.getAsLong() > NO_LIMIT) {
            return Long.MAX_VALUE;
        }
        long cache =
                number(group.resolve("memory.stat").toString(), "(?m)^" + cacheKey + " (\\d+)")
                        .orElse(0);
        return Math.max(0, limit.getAsLong() - used.getAsLong() + cache);
    }

    private OptionalLong number(String file, String pattern) {
        Matcher found = Pattern.compile(pattern).matcher(text(file));
        return found.find()
                ? OptionalLong.of(Long.parseLong(found.group(1)))
                : OptionalLong.empty();
    }

    /// Empty if the file can't be read: then the next source counts.
    private String text(String file) {
        try {
            return Files.readString(root.resolve(file));
        } catch (IOException e) {
            return "";
        }
    }
}
