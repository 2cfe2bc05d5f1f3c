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

import org.attune.error.DatasetException;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.math.BigInteger;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.logging.Level;
import java.util.logging.Logger;

/// Parquet files (snappy, gzip, zstd or uncompressed), without Hadoop. Structs become maps, lists
/// lists, times ISO text; `uint64` beyond `long` becomes a `BigInteger`.
final class ParquetReader {
    private static final int MAGIC = 0x50415231; // "PAR1"
    private static final int SMALLEST = 12; // magic, footer length, magic

    // Hardwood greets at INFO through java.util.logging, which would land on the user's terminal.
    // The field keeps the logger, and with it the level, from being collected.
    private static final Logger HARDWOOD = Logger.getLogger("dev.hardwood");

    static {
        if (HARDWOOD.getLevel() == null) {
            HARDWOOD.setLevel(Level.WARNING);
        }
    }

    private ParquetReader() {}

    static void read(RowFile file, RowSink sink) throws IOException {
        checkFrame(file);
        try (var context = HardwoodContext.create(1);
                var reader = ParquetFileReader.open(InputFile.of(file.path()), context)) {
            List<SchemaNode> fields = reader.getFileSchema().getRootNode().children();
            sink.header(file.name(), fields.stream().map(SchemaNode::name).toList());
            readRows(file, reader, fields, sink);
        } catch (DatasetException e) {
            throw e;
        } catch (IOException | RuntimeException e) {
            // A damaged file shows itself as whatever the decoder stumbles over.
            throw new DatasetException(
                    file.name()
                            + ": the Parquet file is damaged or uses something unknown: "
                            + text(e),
                    e);
        }
    }

    private static void readRows(
            RowFile file, ParquetFileReader reader, List<SchemaNode> fields, RowSink sink) {
        try (RowReader rows = reader.rowReader()) {
            for (long n = 0; rows.hasNext(); n++) {
                rows.next();
                sink.row(new Row(struct(rows, fields), new RowOrigin(file.name(), 0, n)));
            }
        }
    }

    /// Parquet's frame is checked here because its faults (a download that stopped, a text file
    /// with the wrong name) are the common ones and deserve their own words.
    private static void checkFrame(RowFile file) throws IOException {
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
        }
    }

    /// The innermost message: it says what is broken, the outer ones only where.
    private static String text(Throwable e) {
        if (e.getCause() != null) {
            return text(e.getCause());
        }
        return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    }

    private static Map<String, Object> struct(StructAccessor row, List<SchemaNode> fields) {
        var columns = new LinkedHashMap<String, Object>();
        for (int i = 0; i < fields.size(); i++) {
            SchemaNode field = fields.get(i);
            columns.put(field.name(), row.isNull(i) ? null : value(row.getValue(i), field));
        }
        return columns;
    }

    private static Object value(Object value, SchemaNode node) {
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
            case String text -> text;
            case byte[] bytes -> bytes;
            default -> iso(value);
        };
    }

    /// ISO text of dates, times and decimals; `toString` of a time would leave out zero seconds.
    private static String iso(Object value) {
        return switch (value) {
            case LocalDateTime time -> DateTimeFormatter.ISO_LOCAL_DATE_TIME.format(time);
            case LocalTime time -> DateTimeFormatter.ISO_LOCAL_TIME.format(time);
            default -> value.toString();
        };
    }

    private static boolean unsigned(SchemaNode node) {
        return node instanceof SchemaNode.PrimitiveNode primitive
                && primitive.logicalType() instanceof LogicalType.IntType type
                && !type.isSigned();
    }

    private static List<Object> list(PqList list, SchemaNode element) {
        var values = new ArrayList<>(list.size());
        for (int i = 0; i < list.size(); i++) {
            values.add(list.isNull(i) ? null : value(list.get(i), element));
        }
        return values;
    }

    private static Map<String, Object> map(PqMap map, SchemaNode element) {
        var values = new LinkedHashMap<String, Object>();
        for (PqMap.Entry entry : map.getEntries()) {
            values.put(
                    String.valueOf(entry.getKey()),
                    entry.isValueNull() ? null : value(entry.getValue(), element));
        }
        return values;
    }
}
