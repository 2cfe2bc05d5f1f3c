package org.attune.ranks;

import org.attune.tensor.MemoryFile;
import org.attune.tensor.Pages;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;

/// The whole pages within pieces of memory, and where they stand in a file: each piece begins at a
/// page there, so that processes in which one piece lies otherwise agree about the others.
final class FrozenPages {
    private final long page = Pages.bytes();
    private final List<MemorySegment> pieces;

    FrozenPages(List<MemorySegment> pieces) {
        this.pieces = List.copyOf(pieces);
    }

    /// Bytes of the file, at least a page.
    long fileBytes() {
        return Math.max(page, pieces.stream().mapToLong(this::room).sum());
    }

    private long room(MemorySegment piece) {
        return (piece.byteSize() + page - 1) / page * page;
    }

    /// Bytes of each piece.
    List<Long> sizes() {
        return pieces.stream().map(MemorySegment::byteSize).toList();
    }

    /// Bytes of each piece before its first whole page.
    List<Long> places() {
        return pieces.stream().map(Pages::skipped).toList();
    }

    /// Copies all to a file, whose pages then are in memory instead.
    ///
    /// @return bytes of them
    long moveTo(MemoryFile file) throws IOException {
        long at = 0;
        long moved = 0;
        for (MemorySegment piece : pieces) {
            MemorySegment whole = Pages.whole(piece);
            if (whole.byteSize() > 0) {
                file.bytes().asSlice(at, whole.byteSize()).copyFrom(whole);
                file.takePlaceOf(whole, at);
                moved += whole.byteSize();
            }
            at += room(piece);
        }
        return moved;
    }

    /// Puts a file's pages where the same bytes are, in the first pieces, as many as both have.
    ///
    /// @param file filled by another process's [#moveTo]
    /// @param sizes of that process
    /// @param places of that process
    /// @return bytes that are the file's from now on
    long takeFrom(MemoryFile file, List<Long> sizes, List<Long> places) throws IOException {
        long at = 0;
        long taken = 0;
        int both = Math.min(pieces.size(), Math.min(sizes.size(), places.size()));
        for (int i = 0; i < both && sizes.get(i) == pieces.get(i).byteSize(); i++) {
            MemorySegment whole = Pages.whole(pieces.get(i));
            long bytes = whole.byteSize();
            if (bytes > 0
                    && places.get(i) == Pages.skipped(pieces.get(i))
                    && file.bytes().asSlice(at, bytes).mismatch(whole) == -1) {
                file.takePlaceOf(whole, at);
                taken += bytes;
            }
            at += room(pieces.get(i));
        }
        return taken;
    }
}
