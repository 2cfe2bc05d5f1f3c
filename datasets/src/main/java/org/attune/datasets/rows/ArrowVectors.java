package org.attune.datasets.rows;

import org.apache.arrow.flatbuf.FieldNode;
import org.attune.error.Excerpt;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.UUID;

/// Makes vectors of the buffers of a record batch. Values are those that a Parquet file of the same
/// table gives.
final class ArrowVectors {
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int VIEW = 16;
    private static final int INLINE = 12; // bytes that fit into a view
    private static final long MILLIS_PER_DAY = 86_400_000;

    private final ArrowBody body;
    private final ArrowDictionaries dictionaries;
    private final RowMeter meter;

    ArrowVectors(ArrowBody body, ArrowDictionaries dictionaries, RowMeter meter) {
        this.body = body;
        this.dictionaries = dictionaries;
        this.meter = meter;
    }

    /// The vector of a column, with those of its children. Columns take their buffers in the order
    /// of the schema.
    ///
    /// @throws RuntimeException if the file is damaged
    ArrowVector of(ArrowField field) {
        FieldNode node = body.node();
        ArrowType type =
                field.dictionary()
                        .<ArrowType>map(ArrowField.Dictionary::places)
                        .orElse(field.type());
        boolean bare = type instanceof ArrowType.Nulls || type instanceof ArrowType.Runs;
        MemorySegment validity = bare ? MemorySegment.NULL : body.buffer();
        if (!bare && node.nullCount() != 0 && validity.byteSize() == 0) {
            throw new IndexOutOfBoundsException("a column has nulls and doesn't say where");
        }
        ArrowVector.Values values =
                field.dictionary().isPresent()
                        ? places(field.dictionary().get())
                        : meant(field, values(field, type));
        return new ArrowVector(
                node.length(),
                node.nullCount() == 0 ? MemorySegment.NULL : validity,
                values,
                meter);
    }

    private ArrowVector.Values meant(ArrowField field, ArrowVector.Values values) {
        return switch (field.meaning()) {
            case PLAIN -> values;
            case JSON -> i -> meter.json((String) values.at(i), field.path());
            case UUID ->
                    i -> {
                        ByteBuffer bytes = ByteBuffer.wrap((byte[]) values.at(i));
                        return new UUID(bytes.getLong(), bytes.getLong()).toString();
                    };
        };
    }

    private ArrowVector.Values places(ArrowField.Dictionary dictionary) {
        ArrowVector.Values place = integers(dictionary.places(), body.buffer());
        return i -> dictionaries.at(dictionary.id(), ((Number) place.at(i)).longValue());
    }

    private ArrowVector.Values values(ArrowField field, ArrowType type) {
        return switch (type) {
            case ArrowType.Nulls _ -> _ -> null;
            case ArrowType.Booleans _ -> {
                MemorySegment bits = body.buffer();
                yield i -> ArrowVector.bit(bits, i);
            }
            case ArrowType.Integers integers -> integers(integers, body.buffer());
            case ArrowType.Reals(int bits) -> reals(bits, body.buffer());
            case ArrowType.Decimals(int bits, int scale) -> decimals(bits, scale, body.buffer());
            case ArrowType.Dates dates -> dates(dates, body.buffer());
            case ArrowType.Times(ChronoUnit unit, int bits) -> times(unit, bits, body.buffer());
            case ArrowType.Timestamps(ChronoUnit unit, boolean zoned) ->
                    timestamps(unit, zoned, body.buffer());
            case ArrowType.Durations _ -> integers(new ArrowType.Integers(64, true), body.buffer());
            case ArrowType.Binaries(boolean text, boolean large) -> {
                MemorySegment offsets = body.buffer();
                MemorySegment data = body.buffer();
                yield i -> {
                    long start = offset(offsets, large, i);
                    return bytes(data, start, offset(offsets, large, i + 1) - start, text, field);
                };
            }
            case ArrowType.Views(boolean text) -> views(text, field);
            case ArrowType.FixedBinaries(int width) -> {
                MemorySegment data = body.buffer();
                yield i -> bytes(data, i * width, width, false, field);
            }
            case ArrowType.Lists(boolean large) -> {
                MemorySegment offsets = body.buffer();
                ArrowVector elements = of(field.children().getFirst());
                yield i -> {
                    long start = offset(offsets, large, i);
                    return list(elements, start, offset(offsets, large, i + 1) - start);
                };
            }
            case ArrowType.ListViews(boolean large) -> {
                MemorySegment offsets = body.buffer();
                MemorySegment sizes = body.buffer();
                ArrowVector elements = of(field.children().getFirst());
                yield i -> list(elements, offset(offsets, large, i), offset(sizes, large, i));
            }
            case ArrowType.FixedLists(int size) -> {
                ArrowVector elements = of(field.children().getFirst());
                yield i -> list(elements, i * size, size);
            }
            case ArrowType.Structs _ -> structs(field);
            case ArrowType.Maps _ -> maps(field);
            case ArrowType.Runs _ -> runs(field);
        };
    }

    private static ArrowVector.Values integers(ArrowType.Integers type, MemorySegment data) {
        boolean signed = type.signed();
        return switch (type.bits()) {
            case 8 ->
                    i -> {
                        byte value = data.get(ValueLayout.JAVA_BYTE, i);
                        return signed ? (long) value : Byte.toUnsignedLong(value);
                    };
            case 16 ->
                    i -> {
                        short value = data.getAtIndex(SHORT, i);
                        return signed ? (long) value : Short.toUnsignedLong(value);
                    };
            case 32 ->
                    i -> {
                        int value = data.getAtIndex(INT, i);
                        return signed ? (long) value : Integer.toUnsignedLong(value);
                    };
            default ->
                    i -> {
                        long value = data.getAtIndex(LONG, i);
                        return signed || value >= 0
                                ? (Object) value
                                : BigInteger.valueOf(value).add(BigInteger.ONE.shiftLeft(64));
                    };
        };
    }

    private static ArrowVector.Values reals(int bits, MemorySegment data) {
        return switch (bits) {
            case 16 -> i -> (double) Float.float16ToFloat(data.getAtIndex(SHORT, i));
            case 32 -> i -> (double) Float.intBitsToFloat(data.getAtIndex(INT, i));
            default -> i -> Double.longBitsToDouble(data.getAtIndex(LONG, i));
        };
    }

    private static ArrowVector.Values decimals(int bits, int scale, MemorySegment data) {
        int width = bits / 8;
        return i -> {
            byte[] bytes = data.asSlice(i * width, width).toArray(ValueLayout.JAVA_BYTE);
            for (int low = 0, high = width - 1; low < high; low++, high--) {
                byte swapped = bytes[low];
                bytes[low] = bytes[high];
                bytes[high] = swapped;
            }
            return ParquetReader.iso(new BigDecimal(new BigInteger(bytes), scale));
        };
    }

    private static ArrowVector.Values dates(ArrowType.Dates type, MemorySegment data) {
        return type.milliseconds()
                ? i -> day(Math.floorDiv(data.getAtIndex(LONG, i), MILLIS_PER_DAY))
                : i -> day(data.getAtIndex(INT, i));
    }

    private static String day(long number) {
        return ParquetReader.iso(LocalDate.ofEpochDay(number));
    }

    private static ArrowVector.Values times(ChronoUnit unit, int bits, MemorySegment data) {
        long nanos = unit.getDuration().toNanos();
        return i -> {
            long count = bits == 32 ? data.getAtIndex(INT, i) : data.getAtIndex(LONG, i);
            return ParquetReader.iso(LocalTime.ofNanoOfDay(Math.multiplyExact(count, nanos)));
        };
    }

    private static ArrowVector.Values timestamps(
            ChronoUnit unit, boolean zoned, MemorySegment data) {
        long perSecond = ChronoUnit.SECONDS.getDuration().dividedBy(unit.getDuration());
        long nanos = unit.getDuration().toNanos();
        return i -> {
            long count = data.getAtIndex(LONG, i);
            long seconds = Math.floorDiv(count, perSecond);
            long rest = Math.floorMod(count, perSecond) * (perSecond == 1 ? 0 : nanos);
            return ParquetReader.iso(
                    zoned
                            ? Instant.ofEpochSecond(seconds, rest)
                            : LocalDateTime.ofEpochSecond(seconds, (int) rest, ZoneOffset.UTC));
        };
    }

    /// A view has the length, then the bytes themselves or their buffer and place.
    private ArrowVector.Values views(boolean text, ArrowField field) {
        MemorySegment views = body.buffer();
        long count = body.variadicBuffers();
        List<MemorySegment> data = new ArrayList<>();
        for (long i = 0; i < count; i++) {
            data.add(body.buffer());
        }
        return i -> {
            MemorySegment view = views.asSlice(i * VIEW, VIEW);
            int length = view.get(INT, 0);
            return length <= INLINE
                    ? bytes(view, Integer.BYTES, length, text, field)
                    : bytes(data.get(view.get(INT, 8)), view.get(INT, 12), length, text, field);
        };
    }

    private Object bytes(
            MemorySegment data, long start, long length, boolean text, ArrowField field) {
        meter.count(length);
        byte[] bytes = data.asSlice(start, length).toArray(ValueLayout.JAVA_BYTE);
        if (!text) {
            return bytes;
        }
        var string = new String(bytes, StandardCharsets.UTF_8);
        if (string.indexOf('\uFFFD') >= 0
                && !Arrays.equals(bytes, string.getBytes(StandardCharsets.UTF_8))) {
            meter.fault(
                    "column \"%s\": a text is no UTF-8: \"%s\""
                            .formatted(Excerpt.of(field.path()), Excerpt.of(string)));
        }
        return string;
    }

    private static long offset(MemorySegment offsets, boolean large, long index) {
        return large ? offsets.getAtIndex(LONG, index) : offsets.getAtIndex(INT, index);
    }

    private static List<Object> list(ArrowVector elements, long start, long size) {
        if (size < 0) {
            throw new IndexOutOfBoundsException("a list of negative length");
        }
        var list = new ArrayList<>();
        for (long i = 0; i < size; i++) {
            list.add(elements.at(start + i));
        }
        return list;
    }

    private ArrowVector.Values structs(ArrowField field) {
        List<ArrowVector> vectors = field.children().stream().map(this::of).toList();
        List<String> names = field.children().stream().map(ArrowField::name).toList();
        return i -> {
            var object = new LinkedHashMap<String, Object>();
            for (int k = 0; k < names.size(); k++) {
                object.put(names.get(k), vectors.get(k).at(i));
            }
            return object;
        };
    }

    private ArrowVector.Values maps(ArrowField field) {
        MemorySegment offsets = body.buffer();
        ArrowField entries = field.children().getFirst();
        body.node();
        body.buffer(); // no entry is null
        ArrowVector keys = of(entries.children().getFirst());
        ArrowVector values = of(entries.children().getLast());
        return i -> {
            var map = new LinkedHashMap<String, Object>();
            long end = offsets.getAtIndex(INT, i + 1);
            for (long at = offsets.getAtIndex(INT, i); at < end; at++) {
                String key = key(keys.at(at), field);
                if (map.containsKey(key)) {
                    meter.fault(
                            "column \"%s\": key \"%s\" occurs twice in a map"
                                    .formatted(Excerpt.of(field.path()), Excerpt.of(key)));
                }
                map.put(key, values.at(at));
            }
            return map;
        };
    }

    private String key(Object key, ArrowField field) {
        return switch (key) {
            case String text -> text;
            case Number number -> number.toString();
            case Boolean truth -> truth.toString();
            case null, default -> {
                meter.fault(
                        "column \"%s\": a key of a map is null, binary or a list; text, numbers and dates are accepted"
                                .formatted(Excerpt.of(field.path())));
                yield "";
            }
        };
    }

    /// Each run has the place where it ends.
    private ArrowVector.Values runs(ArrowField field) {
        ArrowVector ends = of(field.children().getFirst());
        ArrowVector values = of(field.children().getLast());
        return i -> {
            long low = 0;
            for (long high = ends.length(); low < high; ) {
                long middle = (low + high) >>> 1;
                if ((Long) ends.at(middle) > i) {
                    high = middle;
                } else {
                    low = middle + 1;
                }
            }
            return values.at(low);
        };
    }
}
