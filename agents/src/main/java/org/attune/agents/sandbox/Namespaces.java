package org.attune.agents.sandbox;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeSet;

/// Makes a system of files for an episode: an empty one in memory, of a size, with the system's
/// folders in it as they are, but not to be written. Also a network without any device.
final class Namespaces {
    static final String WORK = "/episode";
    static final String CODE = "/code";
    static final String TEMPORARY = "/tmp";
    static final String PROCESSES = "/proc";
    private static final String SHARED_MEMORY = "/dev/shm";

    /// Folders in which programs may write.
    static final List<String> WRITABLE = List.of(WORK, TEMPORARY, SHARED_MEMORY);

    static final long NEW_FILES = 0x0002_0000; // CLONE_NEWNS
    static final long NEW_IPC = 0x0800_0000;
    static final long NEW_USER = 0x1000_0000;
    static final long NEW_PROCESSES = 0x2000_0000;
    static final long NEW_NETWORK = 0x4000_0000;

    private static final long BIND = 0x1000 | 0x4000; // MS_BIND | MS_REC
    private static final long PRIVATE = 0x4_0000 | 0x4000; // MS_PRIVATE | MS_REC
    private static final long NO_PRIVILEGES = 2 | 4; // MS_NOSUID | MS_NODEV
    private static final long NO_SET_USER = 2; // MS_NOSUID
    private static final long NO_PROGRAMS = 8; // MS_NOEXEC
    private static final int READ_ONLY = 1; // MS_RDONLY, MOUNT_ATTR_RDONLY
    private static final int RECURSIVE = 0x8000; // AT_RECURSIVE
    private static final int DETACH = 2; // MNT_DETACH
    private static final long CURRENT_FOLDER = -100; // AT_FDCWD
    private static final int NEW_FILE = 0x41 | 0x80 | 0x80000; // O_WRONLY|O_CREAT|O_EXCL|O_CLOEXEC
    private static final int FOLDER = 0755;
    private static final int FILE = 0644;
    private static final int OPEN_FOLDER = 01777;
    private static final long FILE_BYTES = 4096;
    private static final String OLD = "/old";
    private static final List<String> DEVICES =
            List.of("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom");

    private final JailCalls calls;
    private final TreeSet<String> made = new TreeSet<>();
    private final List<Path> covered = new ArrayList<>();

    private Namespaces(JailCalls calls) {
        this.calls = calls;
    }

    /// Appends the calls; says "ready" after them and waits until its input ends.
    ///
    /// @param user who the programs are to be
    /// @param disk bytes of all files
    /// @param read what the programs may read
    static void make(JailCalls calls, JailUser user, long disk, List<String> read) {
        var namespaces = new Namespaces(calls);
        user.unshare(calls, NEW_FILES | NEW_IPC | NEW_NETWORK);
        namespaces.begin(disk);
        for (String folder : WRITABLE) {
            namespaces.writable(folder, user);
        }
        for (String device : DEVICES) {
            if (Files.exists(Path.of(device))) {
                namespaces.bind(device, device, false, true);
            }
        }
        namespaces.folder(CODE);
        // without one that can be seen, only root could add that of a call
        namespaces.bind(PROCESSES, PROCESSES, true, false);
        namespaces.link(PROCESSES + "/self/fd", "/dev/fd");
        namespaces.covered.addAll(List.of(Path.of("/dev"), Path.of(PROCESSES)));
        namespaces.readable(read);
        namespaces.end();
        calls.need(JailStep.NAMESPACES, "write", 1, "ready\n", 6);
        calls.may("read", 0, calls.list().longs(0), 1);
    }

    private void need(String call, Object... arguments) {
        calls.need(JailStep.NAMESPACES, call, arguments);
    }

    private void begin(long disk) {
        String base = System.getProperty("java.io.tmpdir");
        need("mount", 0, "/", 0, PRIVATE, 0);
        String options = "mode=755,size=%d,nr_inodes=%d".formatted(disk, disk / FILE_BYTES + 1024);
        need("mount", "attune", base, "tmpfs", NO_PRIVILEGES, options);
        need("mkdirat", CURRENT_FOLDER, base + OLD, FOLDER);
        need("pivot_root", base, base + OLD);
        need("chdir", "/");
        calls.may("umask", 0);
    }

    private void writable(String folder, JailUser user) {
        folder(folder);
        need("fchmodat", CURRENT_FOLDER, folder, folder.equals(WORK) ? FOLDER : OPEN_FOLDER);
        user.own(calls, folder);
        need("mount", folder, folder, 0, BIND, 0);
        limit(folder, NO_PRIVILEGES);
    }

    /// @param source on the system
    /// @param isDevice whether it is to work as one; its times and rights stay as they are
    private void bind(String source, String target, boolean isFolder, boolean isDevice) {
        if (isFolder) {
            folder(target);
        } else {
            file(target);
        }
        need("mount", OLD + source, target, 0, BIND, 0);
        limit(target, READ_ONLY | (isDevice ? NO_SET_USER : NO_PRIVILEGES));
    }

    /// Only adds to what the system forbids in a mount already.
    private void limit(String target, long attributes) {
        need(
                "mount_setattr",
                CURRENT_FOLDER,
                target,
                RECURSIVE,
                calls.list().longs(attributes, 0, 0, 0),
                32);
    }

    private void folder(String path) {
        Path whole = Path.of(path);
        for (int i = 1; i <= whole.getNameCount(); i++) {
            String part = "/" + whole.subpath(0, i);
            if (made.add(part)) {
                need("mkdirat", CURRENT_FOLDER, part, FOLDER);
            }
        }
    }

    private void file(String path) {
        folder(Path.of(path).getParent().toString());
        if (made.add(path)) {
            need("mknodat", CURRENT_FOLDER, path, 0x8000 | FILE, 0);
        }
    }

    private void readable(List<String> paths) {
        List<Path> wanted = new ArrayList<>();
        for (String path : paths) {
            try {
                if (Files.exists(Path.of(path))) {
                    wanted.add(Path.of(path).normalize());
                    wanted.add(Path.of(path).toRealPath());
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        // folders before what is in them
        wanted.sort(Comparator.comparingInt(Path::getNameCount));
        for (Path path : wanted) {
            if (covered.stream().noneMatch(path::startsWith)) {
                covered.add(path);
                readable(path);
            }
        }
    }

    private void readable(Path path) {
        try {
            if (Files.isSymbolicLink(path)) {
                link(Files.readSymbolicLink(path).toString(), path.toString());
            } else {
                String real = path.toRealPath().toString();
                bind(real, path.toString(), Files.isDirectory(path), false);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void link(String target, String path) {
        folder(Path.of(path).getParent().toString());
        need("symlinkat", target, CURRENT_FOLDER, path);
    }

    private void end() {
        need("umount2", OLD, DETACH);
        need("unlinkat", CURRENT_FOLDER, OLD, 0x200); // AT_REMOVEDIR
        need(
                "mount_setattr",
                CURRENT_FOLDER,
                "/",
                0,
                calls.list().longs(READ_ONLY | NO_PRIVILEGES, 0, 0, 0),
                32);
    }

    /// Shows a call's own processes, and nothing else of the system; or nothing, where the system
    /// doesn't allow that.
    static void processes(JailCalls calls) {
        var own =
                calls.may(
                        "mount",
                        "proc",
                        PROCESSES,
                        "proc",
                        NO_PRIVILEGES | NO_PROGRAMS | READ_ONLY,
                        "subset=pid,hidepid=invisible");
        var none =
                calls.need(JailStep.NAMESPACES, "mount", "none", PROCESSES, "tmpfs", READ_ONLY, 0);
        own.onBelow(none).onZero(calls.may("getpid"));
    }

    /// Puts a file where the program can only read it, in a folder of this call alone.
    static void code(JailCalls calls, SourceFile file) {
        byte[] bytes = file.text().getBytes(StandardCharsets.UTF_8);
        String options = "mode=755,size=%d".formatted(bytes.length + 64 * FILE_BYTES);
        calls.need(JailStep.NAMESPACES, "mount", "code", CODE, "tmpfs", NO_PRIVILEGES, options);
        var open =
                calls.need(
                        JailStep.NAMESPACES,
                        "openat",
                        CURRENT_FOLDER,
                        CODE + "/" + file.name(),
                        NEW_FILE,
                        FILE);
        calls.need(
                JailStep.NAMESPACES,
                "write",
                open.result(),
                calls.list().data(bytes),
                bytes.length);
        calls.need(JailStep.NAMESPACES, "close", open.result());
        calls.need(
                JailStep.NAMESPACES,
                "mount_setattr",
                CURRENT_FOLDER,
                CODE,
                0,
                calls.list().longs(READ_ONLY | NO_PRIVILEGES, 0, 0, 0),
                32);
    }
}
