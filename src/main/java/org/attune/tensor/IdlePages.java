package org.attune.tensor;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/// Whole pages within pieces of memory that is used at times only. In between the system has them:
/// the numbers are lost, addresses stay, and to read or write there ends the process, since wrong
/// numbers would be worse. Linux only.
public final class IdlePages implements AutoCloseable {
    private static final int MADV_DONTNEED = 4;

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
    List<MemorySegment> pages() {
        return pages;
    }

    /// Bytes of all pages.
    public long bytes() {
        return pages.stream().mapToLong(MemorySegment::byteSize).sum();
    }

    /// Whether the system has the pages.
    boolean areIdle() {
        return idle;
    }

    /// Gives the pages to the system.
    public void leave() {
        if (!idle) {
            for (MemorySegment part : pages) {
                require(Pages.advise(part.address(), part.byteSize(), MADV_DONTNEED), part);
                require(Pages.allow(part, false), part);
            }
            idle = true;
        }
    }

    /// Takes pages for the same addresses. What they hold is for the caller to write.
    public void comeBack() {
        if (idle) {
            for (MemorySegment part : pages) {
                require(Pages.allow(part, true), part);
            }
            idle = false;
        }
    }

    private static void require(boolean done, MemorySegment part) {
        if (!done) {
            throw new IllegalStateException(
                    "the system doesn't take pages back or give them: %d bytes at %#x"
                            .formatted(part.byteSize(), part.address()));
        }
    }

    /// Lets the memory be used for something else.
    @Override
    public void close() {
        comeBack();
    }
}
