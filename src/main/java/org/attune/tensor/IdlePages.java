package org.attune.tensor;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.List;

/// Whole pages within pieces of memory that is used at times only. In between the system has them:
/// the numbers are lost, addresses stay, and to read or write there ends the process, since wrong
/// numbers would be worse. Linux only.
public final class IdlePages implements AutoCloseable {
    private static final int PROT_NONE = 0;
    private static final int PROT_READ = 1;
    private static final int PROT_WRITE = 2;
    private static final int MADV_DONTNEED = 4;

    /// Looked up at the first use.
    private static final class C {
        private static final FunctionDescriptor RANGE =
                FunctionDescriptor.of(
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_INT);
        static final MethodHandle ADVISE = CLibrary.function("madvise", RANGE);
        static final MethodHandle PROTECT = CLibrary.function("mprotect", RANGE);

        private C() {}
    }

    private final List<MemorySegment> pages;
    private boolean idle;

    /// @param pieces memory of this process alone, as tensors have it; borrowed. What lies beside
    ///     the whole pages within each is left alone
    public IdlePages(List<MemorySegment> pieces) {
        pages = joined(pieces.stream().map(Pages::whole).filter(p -> p.byteSize() > 0).toList());
    }

    /// Neighbours as one, so that few calls are made.
    @SuppressWarnings("restricted")
    private static List<MemorySegment> joined(List<MemorySegment> pieces) {
        List<MemorySegment> joined = new ArrayList<>();
        for (MemorySegment piece : pieces) {
            if (!joined.isEmpty() && end(joined.getLast()) == piece.address()) {
                MemorySegment last = joined.removeLast();
                joined.add(last.reinterpret(last.byteSize() + piece.byteSize()));
            } else {
                joined.add(piece);
            }
        }
        return List.copyOf(joined);
    }

    private static long end(MemorySegment piece) {
        return piece.address() + piece.byteSize();
    }

    /// Whether the system can take pages back and keep their addresses.
    public static boolean areSupported() {
        return System.getProperty("os.name").startsWith("Linux");
    }

    /// The pages, in the order of the pieces.
    public List<MemorySegment> pages() {
        return pages;
    }

    /// Bytes of all pages.
    public long bytes() {
        return pages.stream().mapToLong(MemorySegment::byteSize).sum();
    }

    /// Whether the system has the pages.
    public boolean areIdle() {
        return idle;
    }

    /// Gives the pages to the system.
    public void leave() {
        if (!idle) {
            for (MemorySegment part : pages) {
                call(C.ADVISE, part, MADV_DONTNEED, "take pages back");
                call(C.PROTECT, part, PROT_NONE, "guard pages");
            }
            idle = true;
        }
    }

    /// Takes pages for the same addresses, of zeros.
    public void comeBack() {
        if (idle) {
            for (MemorySegment part : pages) {
                call(C.PROTECT, part, PROT_READ | PROT_WRITE, "give pages");
            }
            idle = false;
        }
    }

    private static void call(MethodHandle function, MemorySegment part, int how, String what) {
        if (CLibrary.number(function, part.address(), part.byteSize(), how) != 0) {
            throw new IllegalStateException(
                    "the system doesn't %s: %d bytes at %#x"
                            .formatted(what, part.byteSize(), part.address()));
        }
    }

    /// Lets the memory be used for something else.
    @Override
    public void close() {
        comeBack();
    }
}
