package org.attune.agents.sandbox;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// A running process of Linux.
///
/// @param folder of its files below `/proc`
/// @param parent the process that it belongs to
/// @param group of processes that it belongs to
/// @param threads of it
record ProcessStat(Path folder, long parent, long group, int threads) {
    private static final Path ALL = Path.of("/proc");
    private static final int PARENT = 1; // fields of stat after the name
    private static final int GROUP = 2;
    private static final int THREADS = 17;
    private static final long KIB = 1024;

    /// Lists the processes that have not ended, as far as they can be seen.
    static List<ProcessStat> all() {
        List<ProcessStat> all = new ArrayList<>();
        try (DirectoryStream<Path> folders = Files.newDirectoryStream(ALL, "[0-9]*")) {
            for (Path folder : folders) {
                String stat = text(folder.resolve("stat"));
                String[] fields = stat.substring(stat.lastIndexOf(')') + 1).strip().split(" ");
                if (fields.length > THREADS && !fields[0].equals("Z") && !fields[0].equals("X")) {
                    all.add(
                            new ProcessStat(
                                    folder,
                                    Long.parseLong(fields[PARENT]),
                                    Long.parseLong(fields[GROUP]),
                                    Integer.parseInt(fields[THREADS])));
                }
            }
        } catch (IOException | UncheckedIOException e) {
            return all; // no such folder: nothing can be seen
        }
        return all;
    }

    /// Processes and threads of this process's user, as far as they can be seen.
    static long tasksOfUser() {
        Object user = user(ALL.resolve("self"));
        return all().stream()
                .filter(process -> user.equals(user(process.folder())))
                .mapToLong(ProcessStat::threads)
                .sum();
    }

    /// Whether this process's user is root, to whom the kernel sets no limit of processes.
    static boolean isRoot() {
        return Integer.valueOf(0).equals(user(ALL.resolve("self")));
    }

    private static Object user(Path folder) {
        try {
            return Files.getAttribute(folder, "unix:uid");
        } catch (IOException | UnsupportedOperationException e) {
            return -1; // it has ended meanwhile
        }
    }

    /// Processes and threads of the machine; 0 if that can't be read.
    static long tasks() {
        String[] load = text(ALL.resolve("loadavg")).split(" ");
        return load.length > 3 ? Long.parseLong(load[3].substring(load[3].indexOf('/') + 1)) : 0;
    }

    long pid() {
        return Long.parseLong(folder.getFileName().toString());
    }

    /// Memory that belongs to no file.
    long ownBytes() {
        return text(folder.resolve("status"))
                .lines()
                .filter(line -> line.startsWith("RssAnon:") || line.startsWith("RssShmem:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")) * KIB)
                .sum();
    }

    /// Names of processes may be any bytes.
    private static String text(Path file) {
        try {
            return Files.readString(file, StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            return ""; // it has ended meanwhile
        }
    }
}
