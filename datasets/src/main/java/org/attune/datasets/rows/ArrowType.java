package org.attune.datasets.rows;

import org.apache.arrow.flatbuf.Date;
import org.apache.arrow.flatbuf.DateUnit;
import org.apache.arrow.flatbuf.Decimal;
import org.apache.arrow.flatbuf.Field;
import org.apache.arrow.flatbuf.FixedSizeBinary;
import org.apache.arrow.flatbuf.FixedSizeList;
import org.apache.arrow.flatbuf.FloatingPoint;
import org.apache.arrow.flatbuf.Int;
import org.apache.arrow.flatbuf.Precision;
import org.apache.arrow.flatbuf.Time;
import org.apache.arrow.flatbuf.TimeUnit;
import org.apache.arrow.flatbuf.Timestamp;
import org.apache.arrow.flatbuf.Type;
import org.attune.error.DatasetException;

import java.time.temporal.ChronoUnit;

/// What the values of an Arrow column are and how they are laid out (Arrow's columnar format 1.5).
sealed interface ArrowType {
    /// Nothing but nulls.
    record Nulls() implements ArrowType {}

    /// One bit each.
    record Booleans() implements ArrowType {}

    /// Whole numbers.
    ///
    /// @param bits 8, 16, 32 or 64
    record Integers(int bits, boolean signed) implements ArrowType {}

    /// Floating-point numbers.
    ///
    /// @param bits 16, 32 or 64
    record Reals(int bits) implements ArrowType {}

    /// Whole numbers of `bits` bits, times 10^-scale.
    record Decimals(int bits, int scale) implements ArrowType {}

    /// Days since 1970, as a day's number of 32 bits or in milliseconds of 64.
    record Dates(boolean milliseconds) implements ArrowType {}

    /// Times of a day.
    record Times(ChronoUnit unit, int bits) implements ArrowType {}

    /// Time since 1970 in 64 bits.
    ///
    /// @param zoned whether it is a moment, else what a clock somewhere shows
    record Timestamps(ChronoUnit unit, boolean zoned) implements ArrowType {}

    /// Whole numbers of 64 bits, in some unit of time.
    record Durations() implements ArrowType {}

    /// Texts or bytes, found by offsets.
    ///
    /// @param large whether offsets have 64 bits, else 32
    record Binaries(boolean text, boolean large) implements ArrowType {}

    /// Texts or bytes, found by views of 16 bytes.
    record Views(boolean text) implements ArrowType {}

    /// As many bytes each.
    record FixedBinaries(int width) implements ArrowType {}

    /// Lists, found by offsets.
    ///
    /// @param large whether offsets have 64 bits, else 32
    record Lists(boolean large) implements ArrowType {}

    /// Lists, found by offsets and sizes.
    ///
    /// @param large whether these have 64 bits, else 32
    record ListViews(boolean large) implements ArrowType {}

    /// As many elements each.
    record FixedLists(int size) implements ArrowType {}

    /// Objects with named fields.
    record Structs() implements ArrowType {}

    /// Objects with any keys.
    record Maps() implements ArrowType {}

    /// Values with the rows in which each repeats.
    record Runs() implements ArrowType {}

    /// The type of a field.
    ///
    /// @param where the file and the column, for messages
    /// @throws DatasetException naming a type that can't be read
    static ArrowType of(Field field, String where) {
        return switch (field.typeType()) {
            case Type.Null -> new Nulls();
            case Type.Bool -> new Booleans();
            case Type.Int -> integers((Int) field.type(new Int()), where);
            case Type.FloatingPoint ->
                    switch (((FloatingPoint) field.type(new FloatingPoint())).precision()) {
                        case Precision.HALF -> new Reals(16);
                        case Precision.SINGLE -> new Reals(32);
                        case Precision.DOUBLE -> new Reals(64);
                        default -> throw unknown("floating-point numbers of unknown size", where);
                    };
            case Type.Decimal -> decimals((Decimal) field.type(new Decimal()), where);
            case Type.Date ->
                    new Dates(((Date) field.type(new Date())).unit() == DateUnit.MILLISECOND);
            case Type.Time -> times((Time) field.type(new Time()), where);
            case Type.Timestamp -> {
                var type = (Timestamp) field.type(new Timestamp());
                String zone = type.timezone();
                yield new Timestamps(unit(type.unit(), where), zone != null && !zone.isEmpty());
            }
            case Type.Duration -> new Durations();
            case Type.Utf8 -> new Binaries(true, false);
            case Type.LargeUtf8 -> new Binaries(true, true);
            case Type.Binary -> new Binaries(false, false);
            case Type.LargeBinary -> new Binaries(false, true);
            case Type.Utf8View -> new Views(true);
            case Type.BinaryView -> new Views(false);
            case Type.FixedSizeBinary ->
                    new FixedBinaries(
                            ((FixedSizeBinary) field.type(new FixedSizeBinary())).byteWidth());
            case Type.List -> new Lists(false);
            case Type.LargeList -> new Lists(true);
            case Type.ListView -> new ListViews(false);
            case Type.LargeListView -> new ListViews(true);
            case Type.FixedSizeList ->
                    new FixedLists(((FixedSizeList) field.type(new FixedSizeList())).listSize());
            case Type.Struct_ -> new Structs();
            case Type.Map -> new Maps();
            case Type.RunEndEncoded -> new Runs();
            default ->
                    throw unknown(
                            field.typeType() >= 0 && field.typeType() < Type.names.length
                                    ? "the type " + Type.names[field.typeType()]
                                    : "an unknown type",
                            where);
        };
    }

    /// The type of whole numbers.
    static Integers integers(Int type, String where) {
        return switch (type.bitWidth()) {
            case 8, 16, 32, 64 -> new Integers(type.bitWidth(), type.isSigned());
            default -> throw unknown("integers of " + type.bitWidth() + " bits", where);
        };
    }

    private static Decimals decimals(Decimal type, String where) {
        return switch (type.bitWidth()) {
            case 32, 64, 128, 256 -> new Decimals(type.bitWidth(), type.scale());
            default -> throw unknown("decimals of " + type.bitWidth() + " bits", where);
        };
    }

    private static Times times(Time type, String where) {
        return switch (type.bitWidth()) {
            case 32, 64 -> new Times(unit(type.unit(), where), type.bitWidth());
            default -> throw unknown("times of " + type.bitWidth() + " bits", where);
        };
    }

    private static ChronoUnit unit(short unit, String where) {
        return switch (unit) {
            case TimeUnit.SECOND -> ChronoUnit.SECONDS;
            case TimeUnit.MILLISECOND -> ChronoUnit.MILLIS;
            case TimeUnit.MICROSECOND -> ChronoUnit.MICROS;
            case TimeUnit.NANOSECOND -> ChronoUnit.NANOS;
            default -> throw unknown("an unknown unit of time", where);
        };
    }

    private static DatasetException unknown(String what, String where) {
        return new DatasetException(
                "%s has %s, which can't be read; leave the column out, or write it as text"
                        .formatted(where, what));
    }
}
