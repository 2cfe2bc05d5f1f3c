package org.attune.datasets.rows;

import org.attune.datasets.rows.ParquetFooter.Chunk;
import org.attune.datasets.rows.ParquetFooter.Group;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
import java.util.List;

/// Walks through the pages of a Parquet file and checks their headers against the file's size and
/// the footer. So the decoder meets no false number.
final class ParquetPages {
    private static final int DATA = 0;
    private static final int DICTIONARY = 2;
    private static final int DATA_V2 = 3;
    private static final int PEEK = 1 << 12;
    private static final int LONGEST_HEADER = 1 << 24;
    private static final int PAGE = 1 << 24;
    private static final int VALUES_OF_PAGE = 1 << 22;
    private static final int VALUES_OF_FILE = 1 << 24;
    private static final int VALUES_OF_BYTE = 64;

    /// Least bytes of a value in a dictionary, by physical type.
    private static final int[] WIDTH = {1, 4, 8, 12, 4, 8, 4, 1};

    private final FileChannel file;
    private final RowFile name;
    private final long size;
    private long unpacked;
    private long values;

    private ParquetPages(FileChannel file, RowFile name) throws IOException {
        this.file = file;
        this.name = name;
        this.size = file.size();
    }

    /// @param offset where the page starts in the file
    /// @param bytes  of header and page
    private record Place(long offset, long bytes) {}

    /// A page's header. In order: type, bytes unpacked, bytes as they are, values, and of the
    /// second kind the bytes of its levels.
    private record Header(
            int type, long unpacked, long packed, long values, long levels, int length) {}

    /// Checks all pages.
    ///
    /// @throws IOException saying what can't be true
    static void check(FileChannel file, RowFile name, ParquetFooter footer) throws IOException {
        var pages = new ParquetPages(file, name);
        for (Group group : footer.groups()) {
            for (Chunk chunk : group.chunks()) {
                pages.chunk(group, chunk);
            }
        }
    }

    private void chunk(Group group, Chunk chunk) throws IOException {
        values += chunk.values();
        if (values > VALUES_OF_FILE + VALUES_OF_BYTE * size) {
            throw new IOException(
                    "%d bytes are said to hold %d values; %d are read"
                            .formatted(size, values, VALUES_OF_FILE + VALUES_OF_BYTE * size));
        }
        List<Place> places = new ArrayList<>();
        long end = chunk.start() + chunk.bytes();
        long at = chunk.start();
        long found = 0;
        while (found < chunk.values()) {
            if (at >= end) {
                throw new IOException(
                        "column %s is said to have %d values; its pages have %d"
                                .formatted(chunk.leaf().name(), chunk.values(), found));
            }
            Header page = header(chunk, at, end);
            long next = at + page.length() + page.packed();
            check(chunk, page);
            if (chunk.codec().equals("brotli")) {
                long from = at + page.length() + Math.max(0, page.levels());
                BrotliPage.check(
                        chunk.leaf().name(), bytes(from, (int) (next - from)), page.unpacked());
            }
            if (page.type() == DATA || page.type() == DATA_V2) {
                found += page.values();
                places.add(new Place(at, next - at));
            }
            at = next;
        }
        if (found > chunk.values()) {
            throw new IOException(
                    "column %s is said to have %d values; its pages have %d"
                            .formatted(chunk.leaf().name(), chunk.values(), found));
        }
        if (chunk.index().isPresent()) {
            index(group, chunk, places);
        }
    }

    private void check(Chunk chunk, Header page) throws IOException {
        String column = chunk.leaf().name();
        long most = PAGE + RowLimits.EXPANSION * page.packed();
        if (page.unpacked() > most || !chunk.packed() && page.unpacked() != page.packed()) {
            throw new IOException(
                    "column %s: a page of %d bytes is said to unpack to %d"
                            .formatted(column, page.packed(), page.unpacked()));
        }
        if (page.levels() > Math.min(page.packed(), page.unpacked())) {
            throw new IOException(
                    "column %s: a page of %d bytes is said to have levels of %d"
                            .formatted(column, page.packed(), page.levels()));
        }
        boolean dictionary = page.type() == DICTIONARY;
        int width = chunk.leaf().length() > 0 ? chunk.leaf().length() : WIDTH[chunk.leaf().type()];
        if (dictionary
                ? page.values() > page.unpacked() / width
                : page.values() > VALUES_OF_PAGE + VALUES_OF_BYTE * page.packed()) {
            throw new IOException(
                    "column %s: a page of %d bytes is said to hold %d values"
                            .formatted(column, page.unpacked(), page.values()));
        }
        unpacked += page.unpacked();
        if (unpacked > name.limits().unpackedOf(size)) {
            throw name.limits().unpacksTooFar(name.name(), size);
        }
    }

    private Header header(Chunk chunk, long at, long end) throws IOException {
        for (int peek = PEEK; ; peek *= 4) {
            ByteBuffer bytes = bytes(at, (int) Math.min(peek, end - at));
            try {
                return header(chunk, new ThriftCursor(bytes), at, end);
            } catch (ThriftCursor.EndException e) {
                if (peek >= end - at || peek >= LONGEST_HEADER) {
                    throw new IOException(
                            "column %s: the header of a page is cut off"
                                    .formatted(chunk.leaf().name()));
                }
            }
        }
    }

    private static Header header(Chunk chunk, ThriftCursor in, long at, long end)
            throws IOException {
        long[] numbers = {-1, -1, -1, 0};
        long[] values = {-1, 0, -1, -1}; // by kind of page
        in.struct(
                (field, type) -> {
                    switch (field) {
                        case 1 -> numbers[0] = in.count("the kind of a page");
                        case 2 -> numbers[1] = in.count("the size of a page");
                        case 3 -> numbers[2] = in.count("the size of a page");
                        case 5 -> values[DATA] = values(in, null);
                        case 7 -> values[DICTIONARY] = values(in, null);
                        case 8 -> values[DATA_V2] = values(in, numbers);
                        default -> {
                            return false;
                        }
                    }
                    return true;
                });
        long count = numbers[0] > DATA_V2 || numbers[0] < DATA ? -1 : values[(int) numbers[0]];
        if (count < 0 || numbers[1] < 0 || numbers[2] < 0) {
            throw new IOException(
                    "column %s: the header of a page lacks its kind, its size or its values"
                            .formatted(chunk.leaf().name()));
        }
        if (Math.max(numbers[1], Math.max(numbers[2], count)) > Integer.MAX_VALUE
                || numbers[2] > end - at - in.position()) {
            throw new IOException(
                    "column %s: a page is said to have %d bytes; its column has %d left"
                            .formatted(chunk.leaf().name(), numbers[2], end - at - in.position()));
        }
        return new Header(
                (int) numbers[0], numbers[1], numbers[2], count, numbers[3], in.position());
    }

    /// The values that a page's inner header counts.
    ///
    /// @param numbers whose last one becomes the length of levels, or null where it isn't said
    private static long values(ThriftCursor in, long[] numbers) throws IOException {
        long[] count = {-1};
        in.struct(
                (field, type) -> {
                    if (field == 1) {
                        count[0] = in.count("the number of a page's values");
                        return true;
                    }
                    if (numbers != null && (field == 5 || field == 6)) {
                        numbers[3] += in.count("the length of levels");
                        return true;
                    }
                    return false;
                });
        return count[0];
    }

    /// Holds an offset index, which the decoder would trust, against the pages.
    private void index(Group group, Chunk chunk, List<Place> places) throws IOException {
        long start = chunk.index().getAsLong();
        if (chunk.indexBytes() > LONGEST_HEADER) {
            throw new IOException(
                    "the offset index of %s is too long".formatted(chunk.leaf().name()));
        }
        var in = new ThriftCursor(bytes(start, (int) chunk.indexBytes()));
        var listed = new ArrayList<Place>();
        long[] row = {-1};
        in.struct(
                (field, type) -> {
                    if (field != 1) {
                        return false;
                    }
                    int size = in.list(ThriftCursor.STRUCT);
                    for (int i = 0; i < size; i++) {
                        listed.add(place(in, group, row));
                    }
                    return true;
                });
        if (!listed.equals(places)) {
            throw new IOException(
                    "the offset index of %s lists other pages than there are"
                            .formatted(chunk.leaf().name()));
        }
    }

    private static Place place(ThriftCursor in, Group group, long[] row) throws IOException {
        long[] numbers = {0, 0, -1};
        in.struct(
                (field, type) -> {
                    if (field < 1 || field > 3) {
                        return false;
                    }
                    numbers[field - 1] = in.count("a number of an offset index");
                    return true;
                });
        if (numbers[2] <= row[0] && !(row[0] < 0) || numbers[2] >= Math.max(1, group.rows())) {
            throw new IOException("an offset index names the row %d".formatted(numbers[2]));
        }
        row[0] = numbers[2];
        return new Place(numbers[0], numbers[1]);
    }

    private ByteBuffer bytes(long at, int length) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(length);
        while (bytes.hasRemaining()) {
            if (file.read(bytes, at + bytes.position()) < 0) {
                throw new IOException("the file ends where a page should be");
            }
        }
        return bytes.flip();
    }
}
