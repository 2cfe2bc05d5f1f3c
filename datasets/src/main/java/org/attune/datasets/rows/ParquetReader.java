package org.attune.datasets.rows;

import dev.hardwood.HardwoodContext;
import dev.hardwood.InputFile;
import dev.hardwood.metadata.LogicalType;
import dev.hardwood.reader.ParquetFileReader;
import dev.hardwood.reader.RowReader;
import dev.hardwood.row.PqList;
import dev.hardwood.row.PqMap;
import dev.hardwood.row.PqStruct;
import dev.hardwood.row.StructAccessor;
import dev.hardwood.schema.SchemaNode;

import org.attune.error.AttuneException;
import org.attune.error.DatasetException;
import org.attune.error.Excerpt;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.logging.Level;
import java.util.logging.Logger;

/// Parquet files, without Hadoop. Structs become maps, lists lists, times ISO text; `uint64`
/// beyond `long` becomes a `BigInteger`.
final class ParquetReader {
    private static final int MAGIC = 0x50415231; // "PAR1"
    private static final long LONGEST_FOOTER = 1 << 26;
    private static final int SMALLEST = 12; // magic, footer length, magic

    // Hardwood greets at INFO through java.util.logging, which would land on the user's terminal.
    // The field keeps the logger, and with it the level, from being collected.
    private static final Logger HARDWOOD = Logger.getLogger("dev.hardwood");

    static {
        if (HARDWOOD.getLevel() == null) {
            HARDWOOD.setLevel(Level.WARNING);
        }
    }

    private final RowFile file;
    private final RowMeter meter;

    private ParquetReader(RowFile file) throws IOException {
        this.file = file;
        this.meter = new RowMeter(file);
    }

    static void read(RowFile file, RowSink sink) throws IOException {
        ParquetFooter footer = check(file);
        new ParquetReader(file).read(footer, sink);
    }

    private void read(ParquetFooter footer, RowSink sink) throws IOException {
        try (var context = HardwoodContext.create(1);
                var reader = ParquetFileReader.open(InputFile.of(file.path()), context)) {
            List<SchemaNode> fields = reader.getFileSchema().getRootNode().children();
            fields.forEach(field -> requireReadable(field, field.name()));
            sink.header(file.name(), fields.stream().map(SchemaNode::name).toList());
            readRows(reader, footer, fields, sink);
        } catch (AttuneException e) {
            throw e;
        } catch (IOException | RuntimeException e) {
            throw damaged(file, e);
        }
    }

    /// Refuses what Hardwood would read wrongly: whether an object that is a map's value is null it
    /// looks up at the wrong place, if a list in a list comes first in that object.
    private void requireReadable(SchemaNode node, String column) {
        if (!(node instanceof SchemaNode.GroupNode group)) {
            return;
        }
        if (group.isMap()
                && group.getMapValue() instanceof SchemaNode.GroupNode value
                && value.isStruct()
                && firstLeaf(value).maxRepetitionLevel() > value.maxRepetitionLevel() + 1) {
            throw new DatasetException(
                    "%s: column \"%s\" has maps to objects whose first field is a list of lists or of maps, which can't be read; put another field first, or write JSON lines"
                            .formatted(file.name(), column));
        }
        group.children().forEach(child -> requireReadable(child, column));
    }

    private static SchemaNode firstLeaf(SchemaNode node) {
        return node instanceof SchemaNode.GroupNode group && !group.children().isEmpty()
                ? firstLeaf(group.children().getFirst())
                : node;
    }

    /// A damaged file shows itself as whatever the decoder stumbles over.
    private static DatasetException damaged(RowFile file, Throwable e) {
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            if (cause instanceof OutOfMemoryError memory) {
                throw memory; // met by a thread of the decoder's
            }
        }
        return new DatasetException(
                "%s: the Parquet file is damaged or uses something unknown: %s"
                        .formatted(file.name(), text(e)),
                e);
    }

    private void readRows(
            ParquetFileReader reader, ParquetFooter footer, List<SchemaNode> fields, RowSink sink)
            throws IOException {
        long count = 0;
        try (RowReader rows = reader.rowReader()) {
            for (; rows.hasNext(); count++) {
                rows.next();
                var origin = new RowOrigin(file.name(), 0, count);
                meter.begin(origin);
                meter.end(new Row(struct(rows, fields), origin), sink);
            }
        }
        if (count != footer.rows()) {
            throw new IOException(
                    "the footer says %d rows, the pages hold %d".formatted(footer.rows(), count));
        }
    }

    /// Holds what the file says of itself against its size, before the decoder believes it.
    private static ParquetFooter check(RowFile file) throws IOException {
        long start = footerStart(file);
        try (var channel = FileChannel.open(file.path())) {
            long length = channel.size() - 8 - start;
            if (length > LONGEST_FOOTER) {
                throw new IOException(
                        "the footer has %d bytes, %d are read".formatted(length, LONGEST_FOOTER));
            }
            ByteBuffer bytes = ByteBuffer.allocate((int) length);
            while (bytes.hasRemaining()) {
                if (channel.read(bytes, start + bytes.position()) < 0) {
                    throw new IOException("the file became shorter");
                }
            }
            ParquetFooter footer = ParquetFooter.read(bytes.flip(), start);
            ParquetPages.check(channel, file, footer);
            return footer;
        } catch (IOException | ArithmeticException e) {
            throw damaged(file, e);
        }
    }

    /// Parquet's frame is checked here, since its faults are the common ones: a download that
    /// stopped, a text file with the wrong name.
    ///
    /// @return where the footer starts
    private static long footerStart(RowFile file) throws IOException {
        try (var bytes = new RandomAccessFile(file.path().toFile(), "r")) {
            long length = bytes.length();
            if (length == 0) {
                throw new DatasetException(file.name() + ": the file is empty");
            }
            if (length < SMALLEST || bytes.readInt() != MAGIC) {
                throw new DatasetException(
                        file.name() + ": not a Parquet file (it doesn't begin with PAR1)");
            }
            bytes.seek(length - 8);
            long footer = Integer.toUnsignedLong(Integer.reverseBytes(bytes.readInt()));
            if (bytes.readInt() != MAGIC) {
                throw new DatasetException(
                        file.name()
                                + ": the end of the file is missing (no PAR1 at the end); download"
                                + " it again");
            }
            if (footer > length - SMALLEST) {
                throw new DatasetException(
                        "%s: the footer is said to have %d bytes, the file has %d; it is damaged"
                                .formatted(file.name(), footer, length));
            }
            return length - 8 - footer;
        }
    }

    /// The innermost message: it says what is broken, the outer ones only where.
    private static String text(Throwable e) {
        if (e.getCause() != null) {
            return text(e.getCause());
        }
        return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    }

    private Map<String, Object> struct(StructAccessor row, List<SchemaNode> fields) {
        var columns = new LinkedHashMap<String, Object>();
        for (int i = 0; i < fields.size(); i++) {
            SchemaNode field = fields.get(i);
            int place = i;
            columns.put(
                    field.name(),
                    row.isNull(i)
                            ? null
                            : value(row.getValue(i), field, () -> row.getRawValue(place)));
        }
        return columns;
    }

    private Object value(Object value, SchemaNode node, Supplier<Object> raw) {
        meter.count(
                switch (value) {
                    case String text -> text.length();
                    case byte[] bytes -> bytes.length;
                    case null, default -> 1;
                });
        return switch (value) {
            case null -> null;
            case PqStruct struct -> struct(struct, ((SchemaNode.GroupNode) node).children());
            case PqList list -> list(list, ((SchemaNode.GroupNode) node).getListElement());
            case PqMap map -> map(map, ((SchemaNode.GroupNode) node).getMapValue());
            case Float number -> number.doubleValue();
            case Byte number -> number.longValue();
            case Short number -> number.longValue();
            case Integer number ->
                    unsigned(node) ? Integer.toUnsignedLong(number) : number.longValue();
            case Long number when unsigned(node) && number < 0 ->
                    BigInteger.valueOf(number).add(BigInteger.ONE.shiftLeft(Long.SIZE));
            case Long number -> number;
            case Double number -> number;
            case Boolean truth -> truth;
            case String text when json(node) -> meter.json(text(text, raw), node.name());
            case String text -> text(text, raw);
            case byte[] bytes -> bytes;
            default -> iso(value);
        };
    }

    /// Hardwood replaces what is no UTF-8.
    ///
    /// @param raw gives the text's bytes
    private String text(String text, Supplier<Object> raw) {
        if (text.indexOf('\uFFFD') >= 0
                && raw.get() instanceof byte[] bytes
                && !Arrays.equals(bytes, text.getBytes(StandardCharsets.UTF_8))) {
            meter.fault("a text is no UTF-8: \"%s\"".formatted(Excerpt.of(text)));
        }
        return text;
    }

    /// ISO text of dates, times and decimals; `toString` of a time would leave out zero seconds.
    static String iso(Object value) {
        return switch (value) {
            case LocalDateTime time -> DateTimeFormatter.ISO_LOCAL_DATE_TIME.format(time);
            case LocalTime time -> DateTimeFormatter.ISO_LOCAL_TIME.format(time);
            default -> value.toString();
        };
    }

    private static boolean json(SchemaNode node) {
        return node instanceof SchemaNode.PrimitiveNode primitive
                && primitive.logicalType() instanceof LogicalType.JsonType;
    }

    private static boolean unsigned(SchemaNode node) {
        return node instanceof SchemaNode.PrimitiveNode primitive
                && primitive.logicalType() instanceof LogicalType.IntType type
                && !type.isSigned();
    }

    private List<Object> list(PqList list, SchemaNode element) {
        var values = new ArrayList<>(list.size());
        for (int i = 0; i < list.size(); i++) {
            int place = i;
            values.add(
                    list.isNull(i) ? null : value(list.get(i), element, () -> list.getRaw(place)));
        }
        return values;
    }

    private Map<String, Object> map(PqMap map, SchemaNode element) {
        var values = new LinkedHashMap<String, Object>();
        for (PqMap.Entry entry : map.getEntries()) {
            String key = key(entry);
            if (values.containsKey(key)) {
                meter.fault("key \"%s\" occurs twice in a map".formatted(key));
            }
            Object value = value(entry, element);
            values.put(key, value == null ? null : value(value, element, entry::getRawValue));
        }
        return values;
    }

    private String key(PqMap.Entry entry) {
        Object key = entry.getKey();
        if (key instanceof byte[]) {
            meter.fault("a key of a map is binary; text, numbers and dates are accepted");
        }
        return key instanceof String text ? text(text, entry::getRawKey) : iso(key);
    }

    /// The value of an entry. Hardwood's `isValueNull` looks at the wrong place where a list or a
    /// map is the value and holds further ones.
    private static Object value(PqMap.Entry entry, SchemaNode node) {
        if (node instanceof SchemaNode.GroupNode group && group.isList()) {
            return entry.getListValue();
        }
        if (node instanceof SchemaNode.GroupNode group && group.isMap()) {
            return entry.getMapValue();
        }
        return entry.isValueNull() ? null : entry.getValue();
    }
}
