package org.attune.tensor;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;

/// A file without a name that lies in memory (Linux's `memfd`), whose pages several processes of a
/// machine can have as theirs. It needs no folder, and is gone when its last user is.
@SuppressWarnings("restricted")
public final class MemoryFile implements AutoCloseable {
    private static final String NAME = "attune-frozen";

    private static final int PROT_READ = 1;
    private static final int PROT_WRITE = 2;
    private static final int MAP_SHARED = 1;
    private static final int MAP_PRIVATE = 2;
    private static final int MAP_FIXED = 0x10;
    private static final int MFD_CLOEXEC = 1;
    private static final int O_CLOEXEC = 0x80000;

    private static final ValueLayout.OfLong L = ValueLayout.JAVA_LONG;
    private static final ValueLayout.OfInt I = ValueLayout.JAVA_INT;

    /// Functions of the C library; looked up at the first use.
    private static final class C {
        static final MethodHandle CREATE =
                function("memfd_create", FunctionDescriptor.of(I, ValueLayout.ADDRESS, I));
        static final MethodHandle OPEN =
                function("open", FunctionDescriptor.of(I, ValueLayout.ADDRESS, I));
        static final MethodHandle SIZE = function("ftruncate", FunctionDescriptor.of(I, I, L));
        static final MethodHandle MAP =
                function("mmap", FunctionDescriptor.of(L, L, L, I, I, I, L));
        static final MethodHandle UNMAP = function("munmap", FunctionDescriptor.of(I, L, L));
        static final MethodHandle CLOSE = function("close", FunctionDescriptor.of(I, I));

        private C() {}

        private static MethodHandle function(String name, FunctionDescriptor form) {
            return CLibrary.function(name, form);
        }
    }

    private final int descriptor;
    private final MemorySegment all;
    private boolean closed;

    private MemoryFile(int descriptor, long bytes, int protection) {
        this.descriptor = descriptor;
        try {
            all = map(0, bytes, protection, MAP_SHARED, 0);
        } catch (IOException | RuntimeException e) {
            int _ = CLibrary.number(C.CLOSE, descriptor);
            throw e instanceof RuntimeException r ? r : new IllegalStateException(e.getMessage());
        }
    }

    /// A new one, of zeros.
    ///
    /// @param bytes a multiple of [Pages#bytes]
    /// @throws IOException if the system has no such files, or no room
    public static MemoryFile create(long bytes) throws IOException {
        requireLinux();
        try (Arena arena = Arena.ofConfined()) {
            int descriptor = CLibrary.number(C.CREATE, arena.allocateFrom(NAME), MFD_CLOEXEC);
            if (descriptor < 0) {
                throw new IOException("the system gives no file in memory (memfd_create)");
            }
            if (CLibrary.number(C.SIZE, descriptor, bytes) != 0) {
                int _ = CLibrary.number(C.CLOSE, descriptor);
                throw new IOException("the system gives no %d bytes in memory".formatted(bytes));
            }
            return new MemoryFile(descriptor, bytes, PROT_READ | PROT_WRITE);
        }
    }

    /// Opens a file that another process of this machine has open, to be read.
    ///
    /// @param process whose it is
    /// @param descriptor there
    /// @param bytes of it
    /// @throws IOException if it can't be opened, or is no such file
    public static MemoryFile of(long process, int descriptor, long bytes) throws IOException {
        requireLinux();
        Path path = Path.of("/proc/%d/fd/%d".formatted(process, descriptor));
        if (!Files.readSymbolicLink(path).toString().startsWith("/memfd:" + NAME)
                || Files.size(path) != bytes) {
            throw new IOException(path + " is another file than the one that was told of");
        }
        try (Arena arena = Arena.ofConfined()) {
            int own = CLibrary.number(C.OPEN, arena.allocateFrom(path.toString()), O_CLOEXEC);
            if (own < 0) {
                throw new IOException(path + " can't be opened");
            }
            return new MemoryFile(own, bytes, PROT_READ);
        }
    }

    private static void requireLinux() throws IOException {
        if (!System.getProperty("os.name").startsWith("Linux")) {
            throw new IOException("only Linux has files in memory");
        }
    }

    /// What other processes of this user know it by, beside this process's number.
    public int descriptor() {
        return descriptor;
    }

    /// All bytes; until this is closed.
    public MemorySegment bytes() {
        return all;
    }

    /// Puts a part of the file where a process has its copy of the same bytes. What is written
    /// there later is this process's alone, and takes the pages that it is written to.
    ///
    /// @param place whole pages
    /// @param from first byte of the part, a multiple of [Pages#bytes]
    /// @throws IOException if the system refuses; the place is as it was
    public void takePlaceOf(MemorySegment place, long from) throws IOException {
        if ((place.address() | place.byteSize() | from) % Pages.bytes() != 0) {
            throw new IllegalArgumentException("only whole pages can have others in their place");
        }
        map(
                place.address(),
                place.byteSize(),
                PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_FIXED,
                from);
    }

    private MemorySegment map(long address, long bytes, int protection, int flags, long from)
            throws IOException {
        long at;
        try {
            at = (long) C.MAP.invokeExact(address, bytes, protection, flags, descriptor, from);
        } catch (Throwable t) {
            throw new IllegalStateException("mmap could not be called", t);
        }
        if (at == -1) {
            throw new IOException("the system maps no %d bytes of a file".formatted(bytes));
        }
        return MemorySegment.ofAddress(at).reinterpret(bytes);
    }

    /// Forgets the file. What took a place stays. Closing twice does nothing.
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            int _ = CLibrary.number(C.UNMAP, all.address(), all.byteSize());
            int _ = CLibrary.number(C.CLOSE, descriptor);
        }
    }
}
