package org.attune.agents.sandbox;

import org.attune.agents.sandbox.CallList.Call;
import org.attune.agents.sandbox.CallList.Data;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// Restricts a process, and what it becomes, to files that are named. Rights are those of
/// `linux/landlock.h`; each version of the interface added some.
final class Landlock {
    private static final long EXECUTE = 1;
    private static final long WRITE_FILE = 1 << 1;
    private static final long READ_FILE = 1 << 2;
    private static final long READ_DIR = 1 << 3;
    private static final long MAKE_CHAR = 1 << 6;
    private static final long MAKE_SOCKET = 1 << 9;
    private static final long MAKE_BLOCK = 1 << 11;
    private static final long TRUNCATE = 1 << 14;
    private static final long IOCTL_DEV = 1 << 15;
    private static final long OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV;

    /// The first version that keeps `truncate` and signals inside.
    static final int KEEPS_TRUNCATE = 3;

    static final int KEEPS_SIGNALS = 6;

    private static final long OPEN_PATH = 0x200000; // O_PATH
    private static final long CLOSE_ON_EXEC = 0x80000; // O_CLOEXEC
    private static final long CURRENT_FOLDER = -100; // AT_FDCWD
    private static final int PATH_BENEATH = 1;
    private static final int FILE_AT = 8;

    private final JailCalls calls;
    private final long all;
    private final Call rules;

    /// Begins with nothing allowed.
    Landlock(JailCalls calls, int abi) {
        this.calls = calls;
        this.all = abi >= 5 ? 0xFFFF : abi >= 3 ? 0x7FFF : abi == 2 ? 0x3FFF : 0x1FFF;
        // neither bind nor connect by TCP; no signals and no abstract sockets to others
        Data attributes = calls.list().longs(all, 3, 3);
        int bytes = abi >= KEEPS_SIGNALS ? 24 : abi >= 4 ? 16 : 8;
        this.rules = calls.need(JailStep.LANDLOCK, "landlock_create_ruleset", attributes, bytes);
    }

    /// Allows to read and execute what is there of these, and devices that anybody may read.
    void read(List<String> paths) {
        for (String path : paths) {
            if (Files.exists(Path.of(path))) {
                allow(path, EXECUTE | READ_FILE | READ_DIR, Files.isDirectory(Path.of(path)));
            }
        }
        allow("/dev/null", READ_FILE | WRITE_FILE, false);
        for (String device : List.of("/dev/zero", "/dev/urandom", "/dev/random")) {
            allow(device, READ_FILE, false);
        }
    }

    /// Allows all but devices in a folder.
    void write(String folder) {
        allow(folder, ~(MAKE_CHAR | MAKE_BLOCK | MAKE_SOCKET | IOCTL_DEV), true);
    }

    /// Allows to read in a folder that this process doesn't see.
    void readFolder(String folder) {
        allow(folder, EXECUTE | READ_FILE | READ_DIR, true);
    }

    /// Allows to list the folders below one, and to read nothing.
    void list(String folder) {
        allow(folder, READ_DIR, true);
    }

    private void allow(String path, long rights, boolean isFolder) {
        Data data = calls.list().longs(isFolder ? rights & all : rights & all & OF_FILES, 0);
        Call file =
                calls.need(
                        JailStep.LANDLOCK,
                        "openat",
                        CURRENT_FOLDER,
                        path,
                        OPEN_PATH | CLOSE_ON_EXEC);
        file.into(data.at(FILE_AT));
        calls.need(JailStep.LANDLOCK, "landlock_add_rule", rules.result(), PATH_BENEATH, data, 0);
    }

    /// Restricts the process that makes these calls.
    void restrict() {
        calls.need(JailStep.LANDLOCK, "landlock_restrict_self", rules.result(), 0);
    }
}
