package org.attune.agents.sandbox;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;

/// Restricts the calling thread, and what it becomes, to files that are named. Rights are those of
/// `linux/landlock.h`; each version of the interface added some.
final class Landlock {
    private static final long EXECUTE = 1;
    private static final long WRITE_FILE = 1 << 1;
    private static final long READ_FILE = 1 << 2;
    private static final long READ_DIR = 1 << 3;
    private static final long MAKE_CHAR = 1 << 6;
    private static final long MAKE_BLOCK = 1 << 11;
    private static final long TRUNCATE = 1 << 14;
    private static final long IOCTL_DEV = 1 << 15;
    private static final long OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV;

    private static final long OPEN_PATH = 0x200000; // O_PATH
    private static final long CLOSE_ON_EXEC = 0x80000; // O_CLOEXEC
    private static final long CURRENT_FOLDER = -100; // AT_FDCWD
    private static final int PATH_BENEATH = 1;

    private final Kernel kernel;
    private final int abi;
    private final long all;

    Landlock(Kernel kernel, int abi) {
        this.kernel = kernel;
        this.abi = abi;
        this.all = abi >= 5 ? 0xFFFF : abi >= 3 ? 0x7FFF : abi == 2 ? 0x3FFF : 0x1FFF;
    }

    /// @throws JailException if the kernel refuses
    void restrict(JailPlan plan) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment attributes = arena.allocate(24);
            attributes.set(JAVA_LONG, 0, all);
            attributes.set(JAVA_LONG, 8, 3); // neither bind nor connect by TCP
            attributes.set(JAVA_LONG, 16, 3); // no signals and no abstract sockets to others
            int bytes = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
            long rules = need("landlock_create_ruleset", attributes.address(), bytes, 0);
            for (String path : plan.read()) {
                allow(arena, rules, path, EXECUTE | READ_FILE | READ_DIR);
            }
            allow(arena, rules, "/dev/null", READ_FILE | WRITE_FILE);
            for (String device : new String[] {"/dev/zero", "/dev/urandom", "/dev/random"}) {
                allow(arena, rules, device, READ_FILE);
            }
            allow(arena, rules, plan.work(), all & ~(MAKE_CHAR | MAKE_BLOCK | IOCTL_DEV));
            need("landlock_restrict_self", rules, 0);
            kernel.call("close", rules);
        }
    }

    private void allow(Arena arena, long rules, String path, long rights) {
        if (!Files.exists(Path.of(path))) {
            return;
        }
        long allowed = Files.isDirectory(Path.of(path)) ? rights & all : rights & all & OF_FILES;
        long file =
                need(
                        "openat",
                        CURRENT_FOLDER,
                        arena.allocateFrom(path).address(),
                        OPEN_PATH | CLOSE_ON_EXEC);
        MemorySegment rule = arena.allocate(12);
        rule.set(JAVA_LONG_UNALIGNED, 0, allowed);
        rule.set(JAVA_INT_UNALIGNED, 8, (int) file);
        need("landlock_add_rule", rules, PATH_BENEATH, rule.address(), 0);
        kernel.call("close", file);
    }

    private long need(String call, long... arguments) {
        return kernel.need(JailStep.LANDLOCK, call, arguments);
    }
}
