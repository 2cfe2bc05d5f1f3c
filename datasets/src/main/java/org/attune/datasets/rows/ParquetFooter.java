package org.attune.datasets.rows;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/// What a Parquet file's footer says of its columns and their places. It is checked against the
/// file before anything is allocated.
///
/// @param leaves the schema's columns that hold values
/// @param rows   of the whole file
/// @param groups the row groups
record ParquetFooter(List<Leaf> leaves, long rows, List<Group> groups) {
    private static final int MOST_LEAVES = 500;
    private static final int DEEPEST = 32;
    private static final int WIDEST = 1024;
    private static final int FIXED = 7;
    private static final int REQUIRED = 0;
    private static final int REPEATED = 2;
    private static final List<String> CODECS =
            List.of("none", "snappy", "gzip", "lzo", "brotli", "lz4", "zstd", "lz4_raw");
    private static final List<String> READ =
            List.of("none", "snappy", "gzip", "brotli", "lz4", "zstd", "lz4_raw");

    /// @param name      with those that hold it, joined by dots
    /// @param type      number of its physical type
    /// @param length    bytes of a value where the type has a fixed length
    /// @param repeated  whether it stands in a list
    record Leaf(String name, int type, int length, boolean repeated) {}

    /// @param rows   of this group
    /// @param chunks one for each leaf
    record Group(long rows, List<Chunk> chunks) {}

    /// @param leaf       the column
    /// @param codec      how pages are compressed, by name
    /// @param values     with those that are null
    /// @param start      of its first page in the file
    /// @param bytes      of all its pages
    /// @param index      where its offset index lies, if it has one
    /// @param indexBytes its length
    record Chunk(
            Leaf leaf,
            String codec,
            long values,
            long start,
            long bytes,
            OptionalLong index,
            long indexBytes) {
        /// Whether pages are compressed.
        boolean packed() {
            return !codec.equals("none");
        }
    }

    /// @param name children and repetition as the schema's list has them
    private record Node(
            String name, int type, int length, int repetition, long children, boolean typed) {}

    /// Reads and checks the footer.
    ///
    /// @param bytes the footer
    /// @param start where it starts in the file
    /// @throws IOException saying what can't be true
    static ParquetFooter read(ByteBuffer bytes, long start) throws IOException {
        var reader = new Reader(new ThriftCursor(bytes), start);
        reader.file();
        if (reader.leaves == null) {
            throw new IOException("the footer has no schema");
        }
        long sum = 0;
        for (Group group : reader.groups) {
            sum = Math.addExact(sum, group.rows());
        }
        if (sum != reader.rows) {
            throw new IOException(
                    "the file is said to have %d rows, its groups %d".formatted(reader.rows, sum));
        }
        return new ParquetFooter(reader.leaves, reader.rows, reader.groups);
    }

    private static final class Reader {
        private final ThriftCursor in;
        private final long dataEnd;
        private final List<Group> groups = new ArrayList<>();
        private List<Leaf> leaves;
        private long rows;

        Reader(ThriftCursor in, long dataEnd) {
            this.in = in;
            this.dataEnd = dataEnd;
        }

        void file() throws IOException {
            in.struct(
                    (field, type) -> {
                        switch (field) {
                            case 2 -> schema(in.list(ThriftCursor.STRUCT));
                            case 3 -> rows = in.count("the number of rows");
                            case 4 -> rowGroups(in.list(ThriftCursor.STRUCT));
                            default -> {
                                return false;
                            }
                        }
                        return true;
                    });
        }

        private void schema(int size) throws IOException {
            if (leaves != null) {
                throw new IOException("the footer has two schemas");
            }
            var nodes = new ArrayList<Node>();
            for (int i = 0; i < size; i++) {
                nodes.add(node());
            }
            if (nodes.isEmpty() || nodes.getFirst().children() == 0) {
                throw new IOException("the schema has no columns");
            }
            leaves = new ArrayList<>();
            int next = 1;
            for (long child = 0; child < nodes.getFirst().children(); child++) {
                next = leavesOf(nodes, next, "", false, 1);
            }
            if (next != nodes.size()) {
                throw new IOException("the schema has %d elements too many".formatted(size - next));
            }
        }

        private Node node() throws IOException {
            long[] numbers = {0, 0, REQUIRED, 0};
            boolean[] typed = {false};
            String[] name = {""};
            in.struct(
                    (field, type) -> {
                        switch (field) {
                            case 1 -> {
                                numbers[0] = in.integer();
                                typed[0] = true;
                            }
                            case 2 -> numbers[1] = in.count("the length of a type");
                            case 3 -> numbers[2] = in.integer();
                            case 4 -> name[0] = in.text();
                            case 5 -> numbers[3] = in.count("the number of a column's children");
                            default -> {
                                return false;
                            }
                        }
                        return true;
                    });
            if (numbers[1] > WIDEST || numbers[0] < 0 || numbers[0] > FIXED) {
                throw new IOException(
                        "column %s: type %d with values of %d bytes; at most %d are accepted"
                                .formatted(name[0], numbers[0], numbers[1], WIDEST));
            }
            return new Node(
                    name[0],
                    (int) numbers[0],
                    (int) numbers[1],
                    (int) numbers[2],
                    numbers[3],
                    typed[0]);
        }

        /// @return the place after the node and all below it
        private int leavesOf(List<Node> nodes, int at, String above, boolean repeated, int depth)
                throws IOException {
            if (at >= nodes.size()) {
                throw new IOException("the schema says that it has more columns than it lists");
            }
            if (depth > DEEPEST) {
                throw new IOException("the schema is nested more than %d deep".formatted(DEEPEST));
            }
            Node node = nodes.get(at);
            String name = above.isEmpty() ? node.name() : above + "." + node.name();
            boolean inList = repeated || node.repetition() == REPEATED;
            if (node.children() == 0) {
                leaf(node, name, inList);
                return at + 1;
            }
            int next = at + 1;
            for (long child = 0; child < node.children(); child++) {
                next = leavesOf(nodes, next, name, inList, depth + 1);
            }
            return next;
        }

        private void leaf(Node node, String name, boolean inList) throws IOException {
            if (!node.typed() || node.type() == FIXED && node.length() == 0) {
                throw new IOException("column %s has no type, or one of no length".formatted(name));
            }
            if (leaves.size() == MOST_LEAVES) {
                throw new IOException(
                        "the schema has more than %d columns of values; at most so many are read"
                                .formatted(MOST_LEAVES));
            }
            leaves.add(new Leaf(name, node.type(), node.length(), inList));
        }

        private void rowGroups(int size) throws IOException {
            if (leaves == null) {
                throw new IOException("the schema doesn't stand before the row groups");
            }
            for (int i = 0; i < size; i++) {
                var chunks = new ArrayList<Chunk>();
                long[] count = {0};
                in.struct(
                        (field, type) -> {
                            switch (field) {
                                case 1 -> chunks(in.list(ThriftCursor.STRUCT), chunks);
                                case 3 -> count[0] = in.count("the number of a group's rows");
                                default -> {
                                    return false;
                                }
                            }
                            return true;
                        });
                if (chunks.size() != leaves.size()) {
                    throw new IOException(
                            "row group %d has %d columns, the schema %d"
                                    .formatted(i, chunks.size(), leaves.size()));
                }
                requireValues(i, count[0], chunks);
                groups.add(new Group(count[0], chunks));
            }
        }

        private static void requireValues(int group, long count, List<Chunk> chunks)
                throws IOException {
            for (Chunk chunk : chunks) {
                if (chunk.leaf().repeated() ? chunk.values() < count : chunk.values() != count) {
                    throw new IOException(
                            "row group %d has %d rows, its column %s %d values"
                                    .formatted(group, count, chunk.leaf().name(), chunk.values()));
                }
            }
        }

        private void chunks(int size, List<Chunk> chunks) throws IOException {
            if (size > leaves.size()) {
                throw new IOException("a row group has more columns than the schema");
            }
            for (int i = 0; i < size; i++) {
                chunks.add(chunk(leaves.get(i)));
            }
        }

        private Chunk chunk(Leaf leaf) throws IOException {
            long[][] found = {null};
            long[] index = {0, 0};
            in.struct(
                    (field, type) -> {
                        switch (field) {
                            case 1 ->
                                    throw new IOException(
                                            "column %s lies in another file"
                                                    .formatted(leaf.name()));
                            case 3 -> found[0] = meta(leaf);
                            case 4 -> index[0] = in.count("the place of an offset index");
                            case 5 -> index[1] = in.count("the length of an offset index");
                            default -> {
                                return false;
                            }
                        }
                        return true;
                    });
            long[] meta = found[0];
            if (meta == null) {
                throw new IOException("column %s has no description".formatted(leaf.name()));
            }
            long start = meta[DICTIONARY] > 0 ? meta[DICTIONARY] : meta[DATA];
            if (meta[BYTES] > 0 || meta[VALUES] > 0) {
                requireWithin("column " + leaf.name(), start, meta[BYTES]);
            }
            if (index[1] > 0) {
                requireWithin("the offset index of " + leaf.name(), index[0], index[1]);
            }
            return new Chunk(
                    leaf,
                    CODECS.get((int) meta[CODEC]),
                    meta[VALUES],
                    start,
                    meta[BYTES],
                    index[1] > 0 ? OptionalLong.of(index[0]) : OptionalLong.empty(),
                    index[1]);
        }

        private static final int CODEC = 0;
        private static final int VALUES = 1;
        private static final int BYTES = 2;
        private static final int DATA = 3;
        private static final int DICTIONARY = 4;

        private long[] meta(Leaf leaf) throws IOException {
            long[] meta = new long[DICTIONARY + 1];
            in.struct(
                    (field, type) -> {
                        switch (field) {
                            case 1 -> requireType(leaf, in.integer());
                            case 4 -> meta[CODEC] = in.count("a codec");
                            case 5 -> meta[VALUES] = in.count("a number of values");
                            case 7 -> meta[BYTES] = in.count("the size of a column");
                            case 9 -> meta[DATA] = in.count("the place of a column");
                            case 11 -> meta[DICTIONARY] = in.count("the place of a dictionary");
                            default -> {
                                return false;
                            }
                        }
                        return true;
                    });
            if (meta[CODEC] >= CODECS.size() || !READ.contains(CODECS.get((int) meta[CODEC]))) {
                throw new IOException(
                        "column %s is compressed with %s; accepted are %s: write it again with one of them, in Python pyarrow.parquet.write_table(pyarrow.parquet.read_table(FILE), FILE, compression=\"zstd\")"
                                .formatted(
                                        leaf.name(),
                                        meta[CODEC] < CODECS.size()
                                                ? CODECS.get((int) meta[CODEC])
                                                : "codec " + meta[CODEC],
                                        String.join(", ", READ)));
            }
            return meta;
        }

        private static void requireType(Leaf leaf, long type) throws IOException {
            if (type != leaf.type()) {
                throw new IOException(
                        "column %s has the type %d in the schema and %d in a row group"
                                .formatted(leaf.name(), leaf.type(), type));
            }
        }

        private void requireWithin(String what, long start, long length) throws IOException {
            if (start < Integer.BYTES || length > dataEnd || start > dataEnd - length) {
                throw new IOException(
                        "%s is said to lie at %d with %d bytes; the data ends at %d"
                                .formatted(what, start, length, dataEnd));
            }
        }
    }
}
