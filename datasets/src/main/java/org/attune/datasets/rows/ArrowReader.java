package org.attune.datasets.rows;

import org.apache.arrow.flatbuf.Block;
import org.apache.arrow.flatbuf.DictionaryBatch;
import org.apache.arrow.flatbuf.Footer;
import org.apache.arrow.flatbuf.Message;
import org.apache.arrow.flatbuf.MessageHeader;
import org.apache.arrow.flatbuf.RecordBatch;
import org.apache.arrow.flatbuf.Schema;
import org.attune.error.AttuneException;
import org.attune.error.DatasetException;
import org.attune.error.Excerpt;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import java.util.function.Supplier;

/// Arrow's interprocess format: files, of which Feather 2 is a name, and streams, as `save_to_disk`
/// of Hugging Face `datasets` writes them. The file is mapped; one record batch is unpacked at a
/// time.
final class ArrowReader {
    private static final String MAGIC = "ARROW1";
    private static final int PREFIX = 8; // the magic, padded
    private static final int SMALLEST = PREFIX + Integer.BYTES + MAGIC.length();
    private static final int CONTINUATION = -1; // before a length, since Arrow 0.15
    private static final int LONGEST_METADATA = 1 << 26;
    private static final ValueLayout.OfInt INT =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final RowFile file;
    private final MemorySegment bytes;
    private final RowSink sink;
    private final RowMeter meter;
    private final ArrowDictionaries dictionaries = new ArrowDictionaries();
    private final Map<Long, ArrowField> encoded = new HashMap<>();
    private List<ArrowField> fields = List.of();
    private long rows;

    /// A message with what follows it.
    ///
    /// @param kind of [MessageHeader]
    /// @param end where the next one begins
    private record Part(Message message, byte kind, MemorySegment body, long end) {
        RecordBatch batch() {
            return (RecordBatch) message.header(new RecordBatch());
        }

        DictionaryBatch dictionary() {
            return (DictionaryBatch) message.header(new DictionaryBatch());
        }
    }

    private ArrowReader(RowFile file, MemorySegment bytes, RowSink sink) throws IOException {
        this.file = file;
        this.bytes = bytes;
        this.sink = sink;
        this.meter = new RowMeter(file);
    }

    static void read(RowFile file, RowSink sink) throws IOException {
        try (Arena arena = Arena.ofConfined();
                FileChannel channel = FileChannel.open(file.path())) {
            MemorySegment bytes =
                    channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
            new ArrowReader(file, bytes, sink).read();
        } catch (InternalError e) { // a mapped page is gone
            throw new IOException("the file became shorter while it was read", e);
        }
    }

    private void read() {
        long size = bytes.byteSize();
        if (size == 0) {
            throw new DatasetException(file.name() + ": the file is empty");
        }
        if (begins("FEA1")) {
            throw new DatasetException(
                    file.name()
                            + ": Feather of version 1, which is not read; write it again:"
                            + " pyarrow.feather.write_feather(pyarrow.feather.read_table(OLD),"
                            + " NEW)");
        }
        if (begins(MAGIC)) {
            readFile();
        } else if (size > PREFIX && (begins("\u00ff\u00ff\u00ff\u00ff") || oldStream())) {
            readStream();
        } else {
            throw new DatasetException(
                    file.name()
                            + ": neither an Arrow file (it doesn't begin with ARROW1) nor an Arrow"
                            + " stream"
                            + (begins("PAR1") ? "; it is Parquet, rename it to .parquet" : ""));
        }
    }

    private boolean begins(String magic) {
        byte[] first = magic.getBytes(StandardCharsets.ISO_8859_1);
        return bytes.byteSize() >= first.length
                && bytes.asSlice(0, first.length).mismatch(MemorySegment.ofArray(first)) < 0;
    }

    /// Before 0.15 streams began with the length of the schema.
    private boolean oldStream() {
        int length = bytes.get(INT, 0);
        return length > 0 && length <= Math.min(LONGEST_METADATA, bytes.byteSize() - PREFIX);
    }

    private void readFile() {
        long size = bytes.byteSize();
        byte[] end = MAGIC.getBytes(StandardCharsets.ISO_8859_1);
        if (size < SMALLEST
                || bytes.asSlice(size - end.length).mismatch(MemorySegment.ofArray(end)) >= 0) {
            throw new DatasetException(
                    file.name()
                            + ": the end of the file is missing (no ARROW1 at the end); download"
                            + " or write it again");
        }
        long tail = size - end.length - Integer.BYTES;
        int length = bytes.get(INT, tail);
        if (length <= 0 || length > tail - PREFIX || length > LONGEST_METADATA) {
            throw damaged("the footer is said to have %d bytes".formatted(length));
        }
        Footer footer = sound(() -> Footer.getRootAsFooter(metadata(tail - length, length)));
        sound(() -> schema(footer.schema(), footer.version()));
        sink.header(file.name(), fields.stream().map(ArrowField::name).toList());
        // Dictionaries may stand behind the batches that need them.
        for (int i = 0; i < sound(footer::dictionariesLength); i++) {
            Part part = part(footer::dictionaries, i);
            sound(() -> dictionary(part, true));
        }
        for (int i = 0; i < sound(footer::recordBatchesLength); i++) {
            Part part = part(footer::recordBatches, i);
            batch(part);
        }
    }

    private Part part(IntFunction<Block> blocks, int index) {
        return sound(() -> message(blocks.apply(index).offset()));
    }

    private void readStream() {
        Part first = sound(() -> message(0));
        if (first == null || first.kind() != MessageHeader.Schema) {
            throw damaged("it doesn't begin with a schema");
        }
        sound(
                () ->
                        schema(
                                (Schema) first.message().header(new Schema()),
                                first.message().version()));
        sink.header(file.name(), fields.stream().map(ArrowField::name).toList());
        for (long at = first.end(); at < bytes.byteSize(); ) {
            long from = at;
            Part part = sound(() -> message(from));
            if (part == null) {
                return;
            }
            switch (part.kind()) {
                case MessageHeader.DictionaryBatch -> sound(() -> dictionary(part, false));
                case MessageHeader.RecordBatch -> batch(part);
                default -> throw damaged("a message of an unknown kind");
            }
            at = part.end();
        }
    }

    /// The message at a place, or null at the end of a stream.
    private Part message(long at) {
        long start = at + Integer.BYTES;
        int length = bytes.get(INT, at);
        if (length == CONTINUATION) {
            length = bytes.get(INT, start);
            start += Integer.BYTES;
        }
        if (length == 0) {
            return null;
        }
        if (length < 0 || length > LONGEST_METADATA) {
            throw damaged("a message is said to have %d bytes".formatted(length));
        }
        if (length > bytes.byteSize() - start) {
            throw cut();
        }
        Message message = Message.getRootAsMessage(metadata(start, length));
        long body = message.bodyLength();
        if (body < 0 || body > bytes.byteSize() - start - length) {
            throw cut();
        }
        MemorySegment after = bytes.asSlice(start + length, body);
        return new Part(message, message.headerType(), after, start + length + body);
    }

    private DatasetException cut() {
        return new DatasetException(
                "%s: the file ends in the middle of row %d or later; download or write it again"
                        .formatted(file.name(), rows));
    }

    private ByteBuffer metadata(long start, int length) {
        return ByteBuffer.wrap(bytes.asSlice(start, length).toArray(ValueLayout.JAVA_BYTE))
                .order(ByteOrder.LITTLE_ENDIAN);
    }

    private Void schema(Schema schema, short version) {
        fields = ArrowField.of(schema, version, file.name());
        ArrowField.requireDistinct(fields, file.name());
        fields.forEach(field -> field.collectDictionaries(encoded));
        return null;
    }

    /// @param once whether a second dictionary can't replace the first, since all are read before
    ///     the rows
    private Void dictionary(Part part, boolean once) {
        DictionaryBatch dictionary = part.dictionary();
        ArrowField field = encoded.get(dictionary.id());
        if (field == null) {
            throw damaged("dictionary %d belongs to no column".formatted(dictionary.id()));
        }
        if (once && !dictionary.isDelta() && dictionaries.has(dictionary.id())) {
            throw damaged("dictionary %d is there twice".formatted(dictionary.id()));
        }
        var body = new ArrowBody(dictionary.data(), part.body(), meter);
        ArrowVector values = new ArrowVectors(body, dictionaries, meter).of(field);
        dictionaries.put(dictionary.id(), values, dictionary.isDelta());
        return null;
    }

    private void batch(Part part) {
        RecordBatch batch = sound(part::batch);
        var body = new ArrowBody(batch, part.body(), meter);
        var vectors = new ArrowVectors(body, dictionaries, meter);
        List<ArrowVector> columns = sound(() -> fields.stream().map(vectors::of).toList());
        long count = sound(batch::length);
        for (int k = 0; k < columns.size(); k++) {
            if (columns.get(k).length() != count) {
                throw damaged(
                        "column \"%s\" has %d values in a batch of %d rows"
                                .formatted(
                                        Excerpt.of(fields.get(k).name()),
                                        columns.get(k).length(),
                                        count));
            }
        }
        for (long i = 0; i < count; i++) {
            var origin = new RowOrigin(file.name(), 0, rows++);
            meter.begin(origin);
            meter.count(1);
            meter.end(new Row(row(columns, i, origin), origin), sink);
        }
    }

    private Map<String, Object> row(List<ArrowVector> columns, long index, RowOrigin origin) {
        var row = new LinkedHashMap<String, Object>();
        for (int k = 0; k < columns.size(); k++) {
            String name = fields.get(k).name();
            try {
                row.put(name, columns.get(k).at(index));
            } catch (AttuneException e) {
                throw e;
            } catch (RuntimeException e) {
                throw new DatasetException(
                        "%s: column \"%s\": the value can't be read, the file is damaged"
                                .formatted(origin.where(), Excerpt.of(name)),
                        e);
            }
        }
        return row;
    }

    private DatasetException damaged(String what) {
        return new DatasetException(
                "%s: the Arrow file is damaged: %s".formatted(file.name(), what));
    }

    /// Runs what a damaged file makes stumble.
    private <T> T sound(Supplier<T> read) {
        try {
            return read.get();
        } catch (AttuneException e) {
            throw e;
        } catch (RuntimeException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            DatasetException fault =
                    damaged(
                            cause.getMessage() == null
                                    ? cause.getClass().getSimpleName()
                                    : cause.getMessage());
            fault.initCause(e);
            throw fault;
        }
    }
}
