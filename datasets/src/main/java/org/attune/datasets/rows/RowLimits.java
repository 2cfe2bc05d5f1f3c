package org.attune.datasets.rows;

import org.attune.error.DatasetException;

/// Limits of what a file may hold, so that a damaged or hostile one ends with an error instead of
/// taking all memory.
///
/// @param row most bytes of one row: a line, a CSV record, an element of a JSON array
/// @param unpacked bytes that a compressed file may always unpack to; beyond them it may unpack to
///     [#EXPANSION] times its own size
record RowLimits(long row, long unpacked) {
    /// Text compresses four- to tenfold, a text that repeats itself fiftyfold.
    static final int EXPANSION = 100;

    /// Most columns of a file.
    static final int COLUMNS = 10_000;

    /// Most numbers, texts, lists and objects in one row.
    static final int VALUES = 1 << 20;

    private static final String ROW = "attune.max.row";
    private static final String UNPACKED = "attune.max.unpacked";
    private static final int DEFAULT_ROW = 32;
    private static final int DEFAULT_UNPACKED = 64;
    private static final long MIB = 1 << 20;
    private static final int LARGEST_ROW = 1024;

    /// The defaults, or what the system properties `attune.max.row` and `attune.max.unpacked` say,
    /// in MiB.
    static RowLimits ofSystem() {
        return new RowLimits(
                Math.clamp(Integer.getInteger(ROW, DEFAULT_ROW), 1, LARGEST_ROW) * MIB,
                Math.max(1, Integer.getInteger(UNPACKED, DEFAULT_UNPACKED)) * MIB);
    }

    /// The fault of a row that is too long.
    ///
    /// @param what is too long, with its place: `f.jsonl:3: the line`
    DatasetException tooLong(String what) {
        return new DatasetException(
                "%s is longer than %d MiB, the most that one row may have; ATTUNE_JAVA_OPTS=-D%s=%d allows more"
                        .formatted(what, row / MIB, ROW, 2 * row / MIB));
    }

    /// Most bytes that a compressed file may unpack to.
    ///
    /// @param packed its size
    long unpackedOf(long packed) {
        return unpacked + EXPANSION * packed;
    }

    /// The fault of a file that unpacks to too much.
    DatasetException unpacksTooFar(String file, long packed) {
        return new DatasetException(
                "%s: %d bytes unpack to more than %d MiB (%d MiB and %d times the file's size are allowed); if that is meant, unpack the file first, or set ATTUNE_JAVA_OPTS=-D%s=%d"
                        .formatted(
                                file,
                                packed,
                                unpackedOf(packed) / MIB,
                                unpacked / MIB,
                                EXPANSION,
                                UNPACKED,
                                16 * unpacked / MIB));
    }
}
