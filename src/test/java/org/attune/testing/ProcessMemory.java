package org.attune.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.StructLayout;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// What the kernel says about this process (Linux only).
public final class ProcessMemory {
    private static final long PAGE = 4096;
    private static final int MINOR_FAULTS_AFTER_COMMAND = 7;
    private static final int GARBAGE_MIB = 200;
    private static final StructLayout MALLINFO2 =
            MemoryLayout.structLayout(MemoryLayout.sequenceLayout(10, ValueLayout.JAVA_LONG));
    private static final int BYTES_MAPPED = 4;
    private static final int BYTES_IN_USE = 7;

    private ProcessMemory() {}

    /// Memory in use, in bytes: the second number of `/proc/self/statm`, in pages.
    public static long residentBytes() {
        return PAGE * Long.parseLong(read("/proc/self/statm").split(" ")[1]);
    }

    /// Pages that this process touched for the first time, since its start: field 10 of
    /// `/proc/self/stat`.
    public static long minorFaults() {
        String stat = read("/proc/self/stat");
        String afterCommand = stat.substring(stat.lastIndexOf(')') + 2);
        return Long.parseLong(afterCommand.split(" ")[MINOR_FAULTS_AFTER_COMMAND]);
    }

    /// Lets the Java heap take the pages it will take anyway, and frees what is dead, so that later
    /// growth of [#residentBytes] is native memory.
    ///
    /// @return bytes allocated, so that nothing is optimised away
    public static long settle() {
        long sum = 0;
        for (int i = 0; i < GARBAGE_MIB; i++) {
            sum += new byte[1 << 20].length;
        }
        System.gc();
        return sum;
    }

    /// Bytes that `malloc` has handed out and not got back, in all its arenas: exact, and without
    /// the Java heap.
    public static long nativeBytes() {
        return mallinfo(BYTES_MAPPED) + mallinfo(BYTES_IN_USE);
    }

    /// The part of [#nativeBytes] in blocks that have their own pages.
    public static long mappedBytes() {
        return mallinfo(BYTES_MAPPED);
    }

    @SuppressWarnings("restricted")
    private static long mallinfo(int field) {
        Linker linker = Linker.nativeLinker();
        var function =
                linker.downcallHandle(
                        linker.defaultLookup().find("mallinfo2").orElseThrow(),
                        FunctionDescriptor.of(MALLINFO2));
        try (Arena arena = Arena.ofConfined()) {
            var info = (MemorySegment) function.invokeExact((SegmentAllocator) arena);
            return info.getAtIndex(ValueLayout.JAVA_LONG, field);
        } catch (Throwable t) {
            throw new IllegalStateException("mallinfo2 could not be called", t);
        }
    }

    /// Whether `malloc` is glibc's, which alone can be asked about single arenas.
    public static boolean isGlibc() {
        return Linker.nativeLinker().defaultLookup().find("malloc_info").isPresent();
    }

    /// Bytes that `malloc` has handed out in its main arena, where the engine thread's tensors are:
    /// what the arena took from the system less what is free in it. The JVM's compilers mostly have
    /// their own arenas, so that their coming and going is not in this number.
    public static long mainArenaBytes() {
        Path file = null;
        try {
            file = Files.createTempFile("malloc", ".xml");
            writeMallocInfo(file);
            String all = Files.readString(file);
            String main = all.substring(0, all.indexOf("</heap>"));
            return number(main, "<system type=\"current\" size=\"")
                    - number(main, "<total type=\"fast\" count=\"\\d+\" size=\"")
                    - number(main, "<total type=\"rest\" count=\"\\d+\" size=\"");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            delete(file);
        }
    }

    private static void delete(Path file) {
        try {
            if (file != null) {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static long number(String xml, String before) {
        Matcher found = Pattern.compile(before + "(\\d+)").matcher(xml);
        if (!found.find()) {
            throw new IllegalStateException("malloc_info has no " + before + ": " + xml);
        }
        return Long.parseLong(found.group(1));
    }

    @SuppressWarnings("restricted")
    private static void writeMallocInfo(Path file) {
        Linker linker = Linker.nativeLinker();
        SymbolLookup c = linker.defaultLookup();
        var pointer = ValueLayout.ADDRESS;
        var open =
                linker.downcallHandle(
                        c.find("fopen").orElseThrow(),
                        FunctionDescriptor.of(pointer, pointer, pointer));
        var info =
                linker.downcallHandle(
                        c.find("malloc_info").orElseThrow(),
                        FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, pointer));
        var close =
                linker.downcallHandle(
                        c.find("fclose").orElseThrow(),
                        FunctionDescriptor.of(ValueLayout.JAVA_INT, pointer));
        try (Arena arena = Arena.ofConfined()) {
            var stream =
                    (MemorySegment)
                            open.invokeExact(
                                    arena.allocateFrom(file.toString()), arena.allocateFrom("w"));
            int refused = (int) info.invokeExact(0, stream);
            int unwritten = (int) close.invokeExact(stream);
            if (refused != 0 || unwritten != 0) {
                throw new IllegalStateException("malloc_info wrote nothing to " + file);
            }
        } catch (RuntimeException e) {
            throw e;
        } catch (Throwable t) {
            throw new IllegalStateException("malloc_info could not be called", t);
        }
    }

    /// Takes memory from `malloc` and forgets it, as a leak does.
    @SuppressWarnings("restricted")
    public static void lose(long bytes) {
        Linker linker = Linker.nativeLinker();
        var malloc =
                linker.downcallHandle(
                        linker.defaultLookup().find("malloc").orElseThrow(),
                        FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.JAVA_LONG));
        try {
            var lost = (MemorySegment) malloc.invokeExact(bytes);
            if (lost.address() == 0) {
                throw new IllegalStateException("malloc gave nothing");
            }
        } catch (RuntimeException e) {
            throw e;
        } catch (Throwable t) {
            throw new IllegalStateException("malloc could not be called", t);
        }
    }

    private static String read(String file) {
        try {
            return Files.readString(Path.of(file));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
