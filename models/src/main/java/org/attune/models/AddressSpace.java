package org.attune.models;

import org.attune.error.ConfigException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The address space of this process, where it is limited (`ulimit -v`, on Linux). At the
/// limit a process gets no memory, though the machine has some. A library may then wait or die
/// without a word, so the limit is read before.
///
/// @param root where `/proc` is: `/`
public record AddressSpace(Path root) {
    /// What libraries, threads and a small model take, as measured, the JVM's heap apart.
    private static final long LEAST = 2L << 30;

    private static final String REMEDY =
            "raise it before the start, with \"ulimit -v unlimited\", or in the place that sets it";

    /// This process's.
    public static AddressSpace own() {
        return new AddressSpace(Path.of("/"));
    }

    /// Bytes; empty where there is no limit.
    public OptionalLong limit() {
        return number("proc/self/limits", "Max address space\\s+(\\d+)");
    }

    /// Bytes that are reserved, whether they are used or not.
    private long taken() {
        OptionalLong kibibytes = number("proc/self/status", "VmSize:\\s+(\\d+) kB");
        return kibibytes.isPresent() ? kibibytes.getAsLong() * 1024 : 0;
    }

    /// Bytes that can still be reserved; empty where there is no limit.
    public OptionalLong left() {
        OptionalLong limit = limit();
        return limit.isPresent()
                ? OptionalLong.of(Math.max(0, limit.getAsLong() - taken()))
                : OptionalLong.empty();
    }

    /// Refuses a start that would run into the limit.
    ///
    /// @param what needs memory
    /// @param bytes that it takes
    /// @throws ConfigException if the limit leaves less
    public void require(String what, long bytes) {
        OptionalLong left = left();
        if (left.isPresent() && left.getAsLong() < bytes) {
            throw new ConfigException(
                    "the address space of this process is limited to %s GiB, of which %s are left, and %s takes %s; %s"
                            .formatted(
                                    gib(limit().getAsLong()),
                                    gib(left.getAsLong()),
                                    what,
                                    gib(bytes),
                                    REMEDY));
        }
    }

    /// Refuses a start of the engine that would run into the limit.
    ///
    /// @throws ConfigException if so
    public void requireEngine() {
        require("the engine with the smallest of models", LEAST);
    }

    /// What a failure to get memory has to do with it; empty where there is no limit.
    public String hint() {
        OptionalLong limit = limit();
        return limit.isEmpty()
                ? ""
                : "The address space of this process is limited to %s GiB, of which %s are left: %s."
                        .formatted(gib(limit.getAsLong()), gib(left().getAsLong()), REMEDY);
    }

    private static String gib(long bytes) {
        return String.format(Locale.ROOT, "%.1f", bytes / (double) (1L << 30));
    }

    private OptionalLong number(String file, String pattern) {
        try {
            Matcher found = Pattern.compile(pattern).matcher(Files.readString(root.resolve(file)));
            return found.find()
                    ? OptionalLong.of(Long.parseLong(found.group(1)))
                    : OptionalLong.empty();
        } catch (IOException | NumberFormatException e) {
            return OptionalLong.empty(); // another system, or a number beyond all memory
        }
    }
}
